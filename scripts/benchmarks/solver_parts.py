# SPDX-License-Identifier: GPL-3.0-or-later
"""What the local service expects in the module of a solver, for those that solve nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class SolveError(Exception):
    """A take that cannot be solved: why, in a sentence, and in a word."""

    def __init__(self, message: str, error_type: str = "bad_take") -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message


class SolveOptions:
    """Whatever a job asks for, as it was asked."""

    def __init__(self, **wanted: Any) -> None:  # noqa: ANN401
        self.wanted = wanted


@dataclass(frozen=True, kw_only=True)
class SolveResult:
    """What the service wants to know: files by role, sentences, and the version it shows."""

    outputs: dict[str, Path]
    warnings: list[str] = field(default_factory=list[str])
    mujoco_version: str = "0.0.0"
