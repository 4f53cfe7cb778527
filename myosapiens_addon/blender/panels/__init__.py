# SPDX-License-Identifier: GPL-3.0-or-later
"""The tab in the sidebar of the 3D viewport, in the order of the work. Draws from memory only."""

from __future__ import annotations

from . import (
    bone_map,
    character,
    connection,
    jobs,
    menu,
    motion,
    on_service,
    retarget,
    subject,
    take,
    target,
)

MODULES = (
    connection,
    take,
    subject,
    target,
    bone_map,
    motion,
    retarget,
    jobs,
    character,
    on_service,
    menu,
)


def register() -> None:
    """Register the modules, in order."""
    for module in MODULES:
        module.register()


def unregister() -> None:
    """Unregister them, last one first."""
    for module in reversed(MODULES):
        module.unregister()
