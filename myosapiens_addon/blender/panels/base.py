# SPDX-License-Identifier: GPL-3.0-or-later
"""What all panels of the tab have in common."""

from __future__ import annotations

from .. import sidebar


class Panel:
    """Mixed into the panels."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = sidebar.CATEGORY
