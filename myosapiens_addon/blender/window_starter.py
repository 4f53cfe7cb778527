# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the modal operator in a window, from code that runs in none: an application timer.

A timer event is sent to a window, and a keymap item turns it into the operator, as Blender's
own keymap does for playback. Not by `temp_override(window=…)`: up to Blender 5.0 (Python 3.11)
an operator that is called under any override looks into Python's data without holding Python's
lock, and Blender crashes when a thread, such as those that talk to the service, runs meanwhile.
"""

from __future__ import annotations

from typing import Any

import bpy

INTERVAL_S = 0.05
# Only what is asked for by this module passes the operator's poll; other timers pass by.
_state: dict[str, Any] = {"timer": None, "window": 0}
_items: list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]] = []


def is_asked() -> bool:
    """Whether the operator is to start at the next timer event."""
    return _state["timer"] is not None


def ask(window: bpy.types.Window) -> None:
    """Have the operator start in a window; asking again while it has not is fine."""
    pointer = window.as_pointer()
    if is_asked() and _state["window"] == pointer:
        return
    forget()
    manager: Any = bpy.context.window_manager
    _state.update(timer=manager.event_timer_add(INTERVAL_S, window=window), window=pointer)


def forget() -> None:
    """It has started, or must not any more. A closed window has taken its timer along."""
    timer, window = _state["timer"], _state["window"]
    _state.update(timer=None, window=0)
    manager: Any = bpy.context.window_manager
    if timer is not None and any(entry.as_pointer() == window for entry in manager.windows):
        manager.event_timer_remove(timer)


def register(operator: str) -> None:
    """Add the keymap item; without a window there is no keymap to add it to."""
    configuration = bpy.context.window_manager.keyconfigs.addon
    if configuration is None:
        return
    keymap = configuration.keymaps.new(name="Window", space_type="EMPTY", region_type="WINDOW")
    item = keymap.keymap_items.new(operator, type="TIMER", value="ANY", any=True)
    _items.append((keymap, item))


def unregister() -> None:
    """Take it back."""
    forget()
    for keymap, item in _items:
        keymap.keymap_items.remove(item)
    _items.clear()
