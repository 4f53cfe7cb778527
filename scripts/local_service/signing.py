# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Signature Version 4 as S3's presigned requests use it.

Source: Amazon S3 API reference, "Authenticating Requests: Using Query Parameters" and
"Authenticating Requests in Browser-Based Uploads Using POST".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode, urlsplit

from .errors import StorageError

ALGORITHM = "AWS4-HMAC-SHA256"
DATE_FORMAT = "%Y%m%dT%H%M%SZ"
_SIGNED = (
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
)


@dataclass(frozen=True, kw_only=True)
class Signer:
    """A key pair of the storage."""

    access_key: str
    secret: str
    region: str = "local"

    def __repr__(self) -> str:
        return f"Signer(access_key={self.access_key!r}, region={self.region!r})"

    def scope(self, moment: datetime) -> str:
        """The day, region and service that a signature is good for."""
        return f"{moment:%Y%m%d}/{self.region}/s3/aws4_request"

    def credential(self, moment: datetime) -> str:
        """The value of `X-Amz-Credential`."""
        return f"{self.access_key}/{self.scope(moment)}"

    def sign(self, text: str, moment: datetime) -> str:
        """The signature of `text`, in hexadecimal digits."""
        key = f"AWS4{self.secret}".encode()
        for part in self.scope(moment).split("/"):
            key = _hmac(key, part)
        return _hmac(key, text).hex()

    def agrees(self, signature: str, text: str, moment: datetime) -> bool:
        """Whether `signature` is the one of `text`; takes the same time either way."""
        return hmac.compare_digest(signature.encode(), self.sign(text, moment).encode())


def presign_get(signer: Signer, url: str, *, expires_s: int, moment: datetime) -> str:
    """A URL that anybody may GET for `expires_s` seconds from `moment` on.

    Args:
        signer: Whose key signs.
        url: The object's URL without a query.
        expires_s: Life time in seconds.
        moment: The present, in UTC.
    """
    parts = urlsplit(url)
    values = (ALGORITHM, signer.credential(moment), f"{moment:{DATE_FORMAT}}", expires_s, "host")
    query = {name: str(value) for name, value in zip(_SIGNED, values, strict=True)}
    text = _text_to_sign(
        signer, method="GET", host=parts.netloc, path=parts.path, query=query.items(), moment=moment
    )
    return f"{url}?{urlencode(query)}&X-Amz-Signature={signer.sign(text, moment)}"


def check_get(
    signer: Signer,
    *,
    method: str,
    host: str,
    path: str,
    query: Iterable[tuple[str, str]],
    moment: datetime,
) -> None:
    """Check a presigned request.

    Args:
        signer: Whose key must have signed.
        method: The request's method.
        host: Its `Host` header.
        path: Its path, as it stood in the request line.
        query: Its decoded query parameters.
        moment: The present, in UTC.

    Raises:
        StorageError: Not signed, signed wrongly, or expired.
    """
    pairs = list(query)
    given = dict(pairs)
    signed_at, expires_s = _read_times(given)
    rest = [pair for pair in pairs if pair[0] != "X-Amz-Signature"]
    text = _text_to_sign(signer, method=method, host=host, path=path, query=rest, moment=signed_at)
    if given["X-Amz-Credential"] != signer.credential(signed_at):
        raise StorageError(403, "InvalidAccessKeyId", "The access key is not one of this storage.")
    if not signer.agrees(given["X-Amz-Signature"], text, signed_at):
        raise StorageError(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
        )
    # One second more: the date has whole seconds, and the promise must not fall short.
    if moment >= signed_at + timedelta(seconds=expires_s + 1):
        raise StorageError(403, "AccessDenied", "Request has expired")


def parse_date(text: str) -> datetime:
    """An `X-Amz-Date` in UTC.

    Raises:
        ValueError: It is no such date.
    """
    return datetime.strptime(text, DATE_FORMAT).replace(tzinfo=UTC)


def _read_times(given: Mapping[str, str]) -> tuple[datetime, int]:
    if "X-Amz-Signature" not in given:
        raise StorageError(403, "AccessDenied", "Access Denied")
    try:
        missing = [name for name in _SIGNED if name not in given]
        if missing:
            raise ValueError(f"Query-string authentication requires {', '.join(missing)}")
        expires_s = int(given["X-Amz-Expires"])
        if not 0 < expires_s <= 604_800:  # S3's bound: a week
            raise ValueError("X-Amz-Expires must be between 1 and 604800 seconds")
        return parse_date(given["X-Amz-Date"]), expires_s
    except ValueError as error:
        raise StorageError(400, "AuthorizationQueryParametersError", str(error)) from error


def _text_to_sign(
    signer: Signer,
    *,
    method: str,
    host: str,
    path: str,
    query: Iterable[tuple[str, str]],
    moment: datetime,
) -> str:
    pairs = sorted((quote(name, safe=""), quote(value, safe="")) for name, value in query)
    canonical_query = "&".join(f"{name}={value}" for name, value in pairs)
    request = f"{method}\n{path}\n{canonical_query}\nhost:{host.lower()}\n\nhost\nUNSIGNED-PAYLOAD"
    digest = hashlib.sha256(request.encode()).hexdigest()
    return f"{ALGORITHM}\n{moment:{DATE_FORMAT}}\n{signer.scope(moment)}\n{digest}"


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
