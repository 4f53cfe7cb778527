# SPDX-License-Identifier: GPL-3.0-or-later
"""What a studio's settings are made of; apart, because without a file nobody needs it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class KeySource:
    """Where a seat finds the API key; exactly one of the three is given.

    Attributes:
        variable: an environment variable.
        file: a file whose first line is the key.
        command: a program, with its arguments, that prints the key.
    """

    variable: str = ""
    file: Path | None = None
    command: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What to call it in front of people; the arguments of a command stay out of it."""
        if self.variable:
            return f"the variable {self.variable}"
        if self.file is not None:
            return f"the file {self.file}"
        return f"the command {Path(self.command[0]).name}"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that is wrong with the file.

    Attributes:
        name: the setting, as in `service.base_url`; empty for the file as a whole.
        sentence: names the file, the line and the key.
    """

    name: str
    sentence: str
