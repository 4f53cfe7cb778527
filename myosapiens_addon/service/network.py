# SPDX-License-Identifier: GPL-3.0-or-later
"""By which proxy and with which certificates requests go out, where a studio says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .address import is_loopback
from .errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests


@dataclass(frozen=True, kw_only=True)
class Network:
    """What goes besides, or before, the variables of the environment (`HTTPS_PROXY` and so on).

    Attributes:
        proxy: its address, which may carry a password; empty for none.
        proxy_first: whether it goes before the environment's, and `NO_PROXY` is not heeded.
        ca_bundle: a PEM file with the authorities to trust, in place of the usual ones.
        ca_bundle_first: whether it goes before the environment's.
    """

    proxy: str = field(default="", repr=False)
    proxy_first: bool = False
    ca_bundle: Path | None = None
    ca_bundle_first: bool = False

    def options(self, session: requests.Session, url: str) -> dict[str, Any]:
        """How a request to an address is sent; loopback goes to no proxy.

        Raises:
            UnreachableError: the certificates are not there, or the proxy can be none.
        """
        found = session.merge_environment_settings(url, {}, True, None, None)
        verify = found["verify"]
        if self.ca_bundle is not None and (self.ca_bundle_first or verify is True):
            verify = _present(self.ca_bundle, "the studio's settings name")
        elif isinstance(verify, str):
            verify = _present(Path(verify), "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names")
        none: Mapping[str, str] = {}
        proxies = none if is_loopback(url) else self._proxies(found["proxies"], url)
        return {"proxies": proxies, "verify": verify, "cert": found["cert"]}

    def _proxies(self, found: Mapping[str, str], url: str) -> Mapping[str, str]:
        from requests.utils import select_proxy, should_bypass_proxies

        mine = {"http": self.proxy, "https": self.proxy} if self.proxy else {}
        if mine and self.proxy_first:
            return mine
        # One for another scheme than the address's says nothing of this request.
        chosen = select_proxy(url, dict(found))
        if chosen:
            _check_proxy(chosen)
            return found
        return found if should_bypass_proxies(url, no_proxy=None) else mine or found


def _present(path: Path, named_by: str) -> str:
    # Of missing certificates requests tells by an error of the operating system. Their share may be
    # away for a moment, so that a job goes on when it is back.
    if not path.exists():
        raise UnreachableError(
            f"The certificates {path}, which {named_by}, are not there: bring them back, or "
            "name others.",
            sent=False,
        )
    return str(path)


def _check_proxy(text: str) -> None:
    """Refuse what the environment names as a proxy and cannot be one; it may hold a password."""
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise UnreachableError(
            "The proxy of the environment (HTTPS_PROXY, ALL_PROXY) cannot be used: it must look "
            "like http://host:port.",
            sent=False,
        )
