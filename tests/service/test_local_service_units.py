# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of the local service against published examples and simple truths."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone
from pathlib import PurePosixPath
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_service import clock
from local_service.errors import StorageError
from local_service.gate import RateLimit
from local_service.names import last_component, safe_name, safe_suffix
from local_service.ranges import UnsatisfiableError, parse_range
from local_service.settings import Endpoints, is_loopback
from local_service.signing import Signer, check_get, presign_get

# The key pair of the examples in the Amazon S3 API reference.
EXAMPLE = Signer(
    access_key="AKIAIOSFODNN7EXAMPLE",
    secret="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    region="us-east-1",
)
EXAMPLE_POLICY = "\r\n".join(
    (
        '{ "expiration": "2015-12-30T12:00:00.000Z",',
        '  "conditions": [',
        '    {"bucket": "sigv4examplebucket"},',
        '    ["starts-with", "$key", "user/user1/"],',
        '    {"acl": "public-read"},',
        '    {"success_action_redirect": '
        '"http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"},',
        '    ["starts-with", "$Content-Type", "image/"],',
        '    {"x-amz-meta-uuid": "14365123651274"},',
        '    {"x-amz-server-side-encryption": "AES256"},',
        '    ["starts-with", "$x-amz-meta-tag", ""],',
        "",
        '    {"x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"},',
        '    {"x-amz-algorithm": "AWS4-HMAC-SHA256"},',
        '    {"x-amz-date": "20151229T000000Z" }',
        "  ]",
        "}",
    )
)
START = datetime(2013, 5, 24, tzinfo=UTC)


def test_amazons_example_of_a_presigned_get() -> None:
    """Amazon S3 API reference, "Authenticating Requests: Using Query Parameters"."""
    url = presign_get(
        EXAMPLE,
        "https://examplebucket.s3.amazonaws.com/test.txt",
        expires_s=86400,
        moment=START,
    )
    assert url.endswith(
        "?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )


def test_amazons_example_of_a_signed_policy() -> None:
    """Amazon S3 API reference, "Example: Browser-Based Upload using HTTP POST"."""
    policy = base64.b64encode(EXAMPLE_POLICY.encode()).decode()
    signature = EXAMPLE.sign(policy, datetime(2015, 12, 29, tzinfo=UTC))
    assert signature == "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e"


@pytest.mark.parametrize(("age_s", "passes"), [(0, True), (60, True), (61, False), (9e5, False)])
def test_presigned_get_expires(age_s: float, passes: bool) -> None:
    url = urlsplit(presign_get(EXAMPLE, "http://h:1/b/k", expires_s=60, moment=START))

    def check(host: str) -> None:
        check_get(
            EXAMPLE,
            method="GET",
            host=host,
            path=url.path,
            query=parse_qsl(url.query),
            moment=START + timedelta(seconds=age_s),
        )

    if passes:
        check("h:1")
        with pytest.raises(StorageError, match="signature"):
            check("other:1")
    else:
        with pytest.raises(StorageError, match="expired"):
            check("h:1")


def test_secret_is_not_shown() -> None:
    assert EXAMPLE.secret not in repr(EXAMPLE)


@given(st.text(max_size=300))
def test_safe_name_is_a_plain_file_name(name: str) -> None:
    safe = safe_name(name)
    assert safe.isascii()
    assert 0 < len(safe) <= 100
    assert set(safe) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert safe not in (".", "..")
    assert PurePosixPath(safe).name == safe
    assert safe_name(safe) == safe


@given(st.text(max_size=300))
def test_last_component_has_no_folders(name: str) -> None:
    last = last_component(name)
    assert not set(last) & set("/\\\x00\r\n")
    assert last not in (".", "..")


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("walk.c3d", ".c3d"),
        ("WALK.C3D", ".c3d"),
        ("a.tar.gz", ".gz"),
        ("none", ""),
        (".hidden", ""),
        ("a.b c", ""),
        ("a." + "x" * 50, ""),
        ("a/../b.c3d", ".c3d"),
    ],
)
def test_safe_suffix(name: str, suffix: str) -> None:
    assert safe_suffix(name) == suffix


@given(st.integers(0, 50), st.integers(0, 60), st.none() | st.integers(0, 60))
def test_range_is_the_slice(size_bytes: int, first: int, last: int | None) -> None:
    content = bytes(range(size_bytes))
    wanted = content[first:] if last is None else content[first : last + 1]
    header = f"bytes={first}-{'' if last is None else last}"
    try:
        part = parse_range(header, size_bytes=size_bytes)
    except UnsatisfiableError:
        assert wanted == b""
        assert first >= size_bytes
        return
    if part is None:
        assert last is not None
        assert last < first
    else:
        assert content[part.first : part.last + 1] == wanted
        assert part.size_bytes == len(wanted) > 0


def test_rate_limit_lets_a_steady_stream_pass() -> None:
    now_s = [0.0]
    limit = RateLimit(30, clock_s=lambda: now_s[0])
    assert [limit.take() for _ in range(30)] == [0] * 30
    assert limit.take() == 2
    now_s[0] = 1.0
    assert limit.take() == 1
    now_s[0] = 2.0
    assert limit.take() == 0
    for step in range(100):
        now_s[0] = 4.0 + 2 * step
        assert limit.take() == 0
    now_s[0] += 3600
    assert [limit.take() for _ in range(31)].count(0) == 30


def test_stamps_sort_as_times_do() -> None:
    east = timezone(timedelta(hours=9))
    times = [
        datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2024, 1, 1, 9, 0, 1, tzinfo=east),
        datetime(2024, 1, 1, 0, 0, 1, 5),
    ]
    stamps = [clock.stamp(moment) for moment in times]
    assert stamps[0] == "2024-01-01T00:00:00.000000Z"
    assert stamps == sorted(stamps)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        *(("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True)),
        *(("0.0.0.0", False), ("::", False), ("192.168.0.1", False), ("example.org", False)),  # noqa: S104
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) == loopback


def test_storage_is_named_as_the_client_named_the_api() -> None:
    everywhere = Endpoints(host="0.0.0.0", port=1, storage_port=2)  # noqa: S104
    assert everywhere.storage_url("studio.example") == "http://studio.example:2"
    assert Endpoints(host="::1", port=1, storage_port=2).base_url == "http://[::1]:1"
    assert Endpoints(host="127.0.0.1", port=1, storage_port=2).storage_url("x") == (
        "http://127.0.0.1:2"
    )
