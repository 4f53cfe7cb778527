# SPDX-License-Identifier: GPL-3.0-or-later
"""By which proxy and with which certificates requests go out, where a studio says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .address import is_loopback
from .errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

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
            ServiceError: the file with the certificates is gone.
        """
        found = session.merge_environment_settings(url, {}, True, None, None)
        verify = found["verify"]
        if self.ca_bundle is not None and (self.ca_bundle_first or verify is True):
            verify = str(self._present(self.ca_bundle))
        none: Mapping[str, str] = {}
        proxies = none if is_loopback(url) else self._proxies(found["proxies"], url)
        return {"proxies": proxies, "verify": verify, "cert": found["cert"]}

    def _proxies(self, found: Mapping[str, str], url: str) -> Mapping[str, str]:
        from requests.utils import should_bypass_proxies

        mine = {"http": self.proxy, "https": self.proxy}
        if not self.proxy:
            return found
        if self.proxy_first:
            return mine
        chosen = any(scheme in found for scheme in ("http", "https", "all"))
        return found if chosen or should_bypass_proxies(url, no_proxy=None) else mine

    @staticmethod
    def _present(path: Path) -> Path:
        # Of a missing file requests tells by an error of the operating system.
        if not path.is_file():
            raise ServiceError(f"The certificates {path} are not there any more: restore the file.")
        return path
