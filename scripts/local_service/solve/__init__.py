# SPDX-License-Identifier: GPL-3.0-or-later
"""The real solve: markers of a take and a markerset become the motion of a scaled skeleton."""

from .errors import SolveError
from .options import SolveOptions, SolveResult
from .run import run

__all__ = ["SolveError", "SolveOptions", "SolveResult", "run"]
