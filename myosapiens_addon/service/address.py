# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses: which may be talked to, and which are this machine's own.

A key travels over https, or over plain http to this machine's own loopback address; the
take itself is a recording of a person and is treated no worse.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from ..errors import InputError

# Anything else is read differently by different parsers: not an address to send a key to.
PLAIN_ADDRESS = re.compile(r"[!-\[\]-~]+")
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,127}")
DEFAULT_PORTS = {"http": 80, "https": 443}


def normalise_base_url(text: str) -> str:
    """The service's base URL without a trailing slash.

    Raises:
        InputError: it is no address, carries a user name or a query, or is plain http to
            another machine.
    """
    url = text.strip().rstrip("/")
    parts = _split(url)
    if parts.query or parts.fragment:
        raise InputError(f"The service's address {url!r} must end with its path.")
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path}"


def check_address(url: str) -> None:
    """Refuse an address that data must not be sent to or fetched from.

    Raises:
        InputError: as for `normalise_base_url`, though a query is allowed.
    """
    _split(url)


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine, so that nothing leaves it."""
    host = (urlsplit(url).hostname or "").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: what a key is given for."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or DEFAULT_PORTS.get(scheme)


def without_query(url: str) -> str:
    """The address as it may be shown: a presigned query is a key of its own."""
    return url.split("?", 1)[0]


def segment(identifier: str) -> str:
    """An identifier as a part of a path, which it must not break out of.

    Raises:
        InputError: it cannot be an identifier.
    """
    if not IDENTIFIER.fullmatch(identifier):
        raise InputError(f"{identifier!r} is no identifier of the service.")
    return identifier


def _split(url: str) -> SplitResult:
    shown = without_query(url)
    if not PLAIN_ADDRESS.fullmatch(url):
        raise InputError(f"{shown!r} is not an address: it holds spaces or odd characters.")
    try:
        parts = urlsplit(url)
        valid = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise InputError(f"{shown!r} is not an address.") from None
    if parts.scheme.lower() not in DEFAULT_PORTS or not valid:
        raise InputError(f"{shown!r} is not an address: it must look like https://host.")
    if "@" in parts.netloc:
        raise InputError("An address must not carry a user name or a password.")
    if parts.scheme.lower() == "http" and not is_loopback(url):
        raise InputError(
            f"{shown!r} is plain http: what is sent could be read on the way. Use https."
        )
    return parts
