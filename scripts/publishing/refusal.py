# SPDX-License-Identifier: GPL-3.0-or-later
"""Why something is not published."""

from __future__ import annotations


class RefusalError(Exception):
    """One sentence: what is wrong, where, what to do."""
