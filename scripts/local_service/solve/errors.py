# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error of the solve."""

from __future__ import annotations


class SolveError(Exception):
    """The job cannot be solved.

    Attributes:
        error_type: A stable word for programs, for example `markerset_invalid`.
        message: One sentence for people: what is wrong, where, what to do.
    """

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(error_type, message)
        self.error_type = error_type
        self.message = message

    def __str__(self) -> str:
        return self.message
