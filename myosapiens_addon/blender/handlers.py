# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender tells: another file is opened, something is undone or done again."""

from __future__ import annotations

import bpy

from . import live, sidebar, sweep, window_starter
from .compat import listener


@listener
def _before_load(*_arguments: object) -> None:
    window_starter.forget()
    live.session().open_other_file()


@listener
def _after_load(*_arguments: object) -> None:
    sweep.sweep()
    sidebar.forget_lists()
    live.session().touch()


@listener
def _before_undo(*_arguments: object) -> None:
    live.session().interrupt_landings()


@listener
def _after_undo(*_arguments: object) -> None:
    sweep.sweep()
    live.session().touch()


HANDLERS = (
    ("load_pre", _before_load),
    ("load_post", _after_load),
    ("undo_pre", _before_undo),
    ("undo_post", _after_undo),
    ("redo_pre", _before_undo),
    ("redo_post", _after_undo),
)


def register() -> None:
    """Listen."""
    for name, handler in HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    """Listen no more."""
    for name, handler in HANDLERS:
        getattr(bpy.app.handlers, name).remove(handler)
