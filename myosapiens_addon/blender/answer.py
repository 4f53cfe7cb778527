# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sub-command of the command line gives back, and how it is said."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TextIO

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer for machines, the one for people, and the exit code."""

    data: dict[str, Any]
    text: str
    exit_code: int = 0


def say(stream: TextIO, words: str) -> None:
    """Write a line at once. Where nobody takes it any more, the work goes on without."""
    try:
        stream.write(words + "\n")
        stream.flush()
    except OSError as error:
        # What is held back, and what is still to come, goes nowhere.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        logger.warning("The output is not read any more: %s.", error.strerror)
