# SPDX-License-Identifier: GPL-3.0-or-later
"""`report.html`: the report for people, made where no Blender is needed (`reports/`)."""

from __future__ import annotations

from ..reports.html import write

__all__ = ["write"]
