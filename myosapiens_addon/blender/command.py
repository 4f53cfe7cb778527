# SPDX-License-Identifier: GPL-3.0-or-later
"""`blender --command myosapiens SUBCOMMAND …`."""

from __future__ import annotations

import bpy

NAME = "myosapiens"
handles: list[object] = []


def register() -> None:
    """Add the command to Blender's command line."""
    handles.append(bpy.utils.register_cli_command(NAME, _run))


def unregister() -> None:
    """Take it away again."""
    while handles:
        bpy.utils.unregister_cli_command(handles.pop())


def _run(arguments: list[str]) -> int:
    # Imported when it is used: enabling the extension stays quick.
    from . import headless

    return headless.main(arguments, program=f"blender --command {NAME}")
