# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service is started with."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_DATA = ROOT / "out" / "local_service"
DEVELOPMENT_KEY = "ak_local_development"
DEFAULT_SOLVER = "local_service.solve:run"
# What one S3 form upload may hold at most (Amazon S3 user guide, "Uploading objects").
MAX_UPLOAD_BYTES = 5 * 1024**3

Revision = Literal[1, 2]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of the command line; see `--help` for what each does."""

    data_dir: Path = DEFAULT_DATA
    host: str = "127.0.0.1"
    port: int = 8765
    storage_port: int = 0
    revision: Revision = 2
    api_key: str = DEVELOPMENT_KEY
    rate_limit_per_minute: int | None = None
    credits: int | None = None
    url_ttl_s: int = 3600
    max_upload_bytes: int = MAX_UPLOAD_BYTES
    workers: int = 1
    solve_delay_s: float = 0.0
    character: Literal["local", "myoskeleton"] = "local"
    solver: str = DEFAULT_SOLVER


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """Where the two origins listen."""

    host: str
    port: int
    storage_port: int

    @property
    def base_url(self) -> str:
        """The API's origin."""
        return f"http://{_in_url(self.host)}:{self.port}"

    def storage_url(self, asked_host: str | None = None) -> str:
        """The storage's origin, as seen by a client that reached the API under `asked_host`."""
        host = asked_host if asked_host and self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        return f"http://{_in_url(host)}:{self.storage_port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
