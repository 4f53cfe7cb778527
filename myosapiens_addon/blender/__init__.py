# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that knows Blender: its data, its preferences, its command line."""

from __future__ import annotations

from . import (
    command,
    handlers,
    live,
    operators,
    panels,
    preferences,
    properties,
    pump,
    sidebar,
    studio,
)

# In reverse when it is disabled: first nothing pumps or asks any more, then the threads end.
MODULES = (
    studio, preferences, properties, live, sidebar, operators, panels, handlers, pump, command,
)  # fmt: skip


def register() -> None:
    """Register the modules, in order."""
    for module in MODULES:
        module.register()


def unregister() -> None:
    """Unregister them, last one first."""
    for module in reversed(MODULES):
        module.unregister()
