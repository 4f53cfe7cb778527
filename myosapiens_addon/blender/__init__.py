# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that knows Blender: its data, its preferences, its command line."""

from __future__ import annotations

from . import command, preferences

MODULES = (preferences, command)


def register() -> None:
    """Register the modules, in order."""
    for module in MODULES:
        module.register()


def unregister() -> None:
    """Unregister them, last one first."""
    for module in reversed(MODULES):
        module.unregister()
