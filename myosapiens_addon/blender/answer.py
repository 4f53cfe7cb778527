# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sub-command of the command line gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer for machines, the one for people, and the exit code."""

    data: dict[str, Any]
    text: str
    exit_code: int = 0
