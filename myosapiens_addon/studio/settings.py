# SPDX-License-Identifier: GPL-3.0-or-later
"""What a studio's file says, as one plain value."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .parts import Fault, KeySource

# The environment variable that names the file.
VARIABLE = "MYOSAPIENS_CONFIG"
BASE_URL, KEY = "service.base_url", "key"
PARALLEL_JOBS, POLL_INTERVAL = "service.parallel_jobs", "service.poll_interval_s"
PROXY, CA_BUNDLE = "network.proxy", "network.ca_bundle"
MAPS = "maps.folder"
SCALING, GENDER = "defaults.enable_scaling", "defaults.gender"
RATE, RANGE = "defaults.rate", "defaults.set_range"
EMPTY: Mapping[str, bool | str | float] = MappingProxyType({})
# All that can be set, and so all that can be locked.
NAMES = (
    BASE_URL, PARALLEL_JOBS, POLL_INTERVAL, KEY, PROXY, CA_BUNDLE,
    SCALING, GENDER, RATE, RANGE, MAPS,
)  # fmt: skip
# Where a take goes, with whose key and by which way: locked and wrong, nothing is sent at all.
GUARDED = (BASE_URL, KEY, PROXY, CA_BUNDLE)


# Made whenever the extension is enabled, so without what nobody uses; as it has no repr, a
# password of the proxy cannot get into a log either.
@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StudioSettings:
    """What a studio's file says; without a file, nothing.

    Attributes:
        file: where it stands; None for no file.
        base_url: address of the service; empty for none.
        parallel_jobs: how many jobs may run at once.
        poll_interval_s: seconds between two looks at a running job.
        key: where a seat finds the API key.
        proxy: address of the proxy, which may carry a password; empty for none.
        ca_bundle: a PEM file with the authorities to trust.
        defaults: what new takes begin with, by the last word of its name.
        maps: folder with the studio's bone maps.
        locked: names of the settings that a seat cannot change.
        faults: all that is wrong.
        refusal: why no request may be sent; empty when it may.
    """

    file: Path | None = None
    base_url: str = ""
    parallel_jobs: int | None = None
    poll_interval_s: float | None = None
    key: KeySource | None = None
    proxy: str = ""
    ca_bundle: Path | None = None
    # Python 3.11 does not take a mapping for a default.
    defaults: Mapping[str, bool | str | float] = field(default_factory=lambda: EMPTY)
    maps: Path | None = None
    locked: frozenset[str] = frozenset()
    faults: tuple[Fault, ...] = ()
    refusal: str = ""

    def is_locked(self, name: str) -> bool:
        """Whether a seat cannot change that setting."""
        return name in self.locked

    @property
    def reason(self) -> str:
        """Why a locked setting is greyed."""
        return f"Set by the studio: {self.file}"


NOTHING = StudioSettings()
