# SPDX-License-Identifier: GPL-3.0-or-later
"""The form fields of a presigned S3 upload: made by the API, checked by the storage.

Source: Amazon S3 API reference, "Creating a POST policy".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from . import clock
from .errors import StorageError
from .signing import ALGORITHM, DATE_FORMAT, Signer, parse_date

_UNCOVERED = ("policy", "x-amz-signature", "file")


@dataclass(frozen=True, kw_only=True)
class UploadGrant:
    """What a checked form may upload."""

    key: str
    min_bytes: int
    max_bytes: int


@dataclass(frozen=True, kw_only=True)
class UploadTerms:
    """What the fields are made from."""

    bucket: str
    key: str
    content_type: str
    max_bytes: int
    expires_s: int


def make_fields(signer: Signer, terms: UploadTerms, *, moment: datetime) -> dict[str, str]:
    """The fields that a form must send before its file."""
    fields = {
        "key": terms.key,
        "Content-Type": terms.content_type,
        "x-amz-algorithm": ALGORITHM,
        "x-amz-credential": signer.credential(moment),
        "x-amz-date": f"{moment:{DATE_FORMAT}}",
    }
    conditions: list[object] = [{"bucket": terms.bucket}]
    conditions += [{name: value} for name, value in fields.items()]
    conditions.append(["content-length-range", 0, terms.max_bytes])
    expiration = clock.stamp(moment + timedelta(seconds=terms.expires_s))
    document = json.dumps({"expiration": expiration, "conditions": conditions})
    policy = base64.b64encode(document.encode()).decode()
    return {**fields, "policy": policy, "x-amz-signature": signer.sign(policy, moment)}


def check_fields(
    signer: Signer, fields: Mapping[str, str], *, bucket: str, moment: datetime
) -> UploadGrant:
    """Check a form's fields against their own policy, and the policy's signature.

    Args:
        signer: Whose key must have signed.
        fields: The form's fields; S3 takes their names in any case.
        bucket: The bucket that the request went to.
        moment: The present, in UTC.

    Raises:
        StorageError: A field is missing, too many, or not as the policy has it; the signature
            is not ours; the policy has expired.
    """
    given = {name.lower(): value for name, value in fields.items()}
    for name in ("key", "policy", "x-amz-signature", "x-amz-credential", "x-amz-date"):
        if name not in given:
            message = f"Bucket POST must contain a field named '{name}'."
            raise StorageError(403 if name != "key" else 400, _code_of_missing(name), message)
    _check_signature(signer, given)
    document: dict[str, Any] = json.loads(base64.b64decode(given["policy"]))
    if clock.stamp(moment) >= document["expiration"]:
        raise _denied("Policy expired.")
    return _apply(document["conditions"], given, bucket)


def _check_signature(signer: Signer, given: Mapping[str, str]) -> None:
    try:
        signed_at = parse_date(given["x-amz-date"])
    except ValueError as error:
        raise StorageError(400, "InvalidArgument", "x-amz-date is not a date.") from error
    if given["x-amz-credential"] != signer.credential(signed_at):
        raise StorageError(403, "InvalidAccessKeyId", "The access key is not one of this storage.")
    if not signer.agrees(given["x-amz-signature"], given["policy"], signed_at):
        raise StorageError(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
        )


def _apply(conditions: list[Any], given: Mapping[str, str], bucket: str) -> UploadGrant:
    values = {**given, "bucket": bucket}
    covered = {"bucket", *_UNCOVERED}
    sizes = (0, 0)
    for condition in conditions:
        if "content-length-range" in condition:
            sizes = (int(condition[1]), int(condition[2]))
            continue
        for name, wanted in condition.items():
            covered.add(name.lower())
            if values.get(name.lower()) != wanted:
                raise _denied(f'Policy Condition failed: ["eq", "${name}", "{wanted}"]')
    extra = sorted(name for name in set(given) - covered if not name.startswith("x-ignore-"))
    if extra:
        raise _denied(f"Extra input fields: {', '.join(extra)}")
    return UploadGrant(key=given["key"], min_bytes=sizes[0], max_bytes=sizes[1])


def _denied(why: str) -> StorageError:
    return StorageError(403, "AccessDenied", f"Invalid according to Policy: {why}")


def _code_of_missing(name: str) -> str:
    return "InvalidArgument" if name == "key" else "AccessDenied"
