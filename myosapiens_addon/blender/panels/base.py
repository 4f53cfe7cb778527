# SPDX-License-Identifier: GPL-3.0-or-later
"""What all panels of the tab have in common."""

from __future__ import annotations

from typing import Any

from .. import sidebar

# Blender's type stubs hold a panel's layout for optional, and icons for some thousand literals.
Layout = Any
Icon = Any


class Panel:
    """Mixed into the panels."""

    bl_space_type: Any = "VIEW_3D"
    bl_region_type: Any = "UI"
    bl_category = sidebar.CATEGORY


def form(layout: Layout) -> Layout:
    """A column of fields with their names beside them."""
    layout.use_property_split = True
    layout.use_property_decorate = False
    return layout.column()
