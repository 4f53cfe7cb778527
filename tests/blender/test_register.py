# SPDX-License-Identifier: GPL-3.0-or-later
"""Enabling, disabling and enabling again leaves nothing behind."""

from __future__ import annotations

import bpy

import myosapiens_addon


def registered() -> set[str]:
    return {name for name in dir(bpy.types) if "myosapiens" in name.lower()}


def test_register_unregister_register() -> None:
    before = set(dir(bpy.types))
    for _ in range(2):
        myosapiens_addon.register()
        assert "MYOSAPIENS_preferences" in registered()
        myosapiens_addon.unregister()
        assert set(dir(bpy.types)) == before


def test_classes_are_named_as_blender_wants() -> None:
    myosapiens_addon.register()
    try:
        for name in registered():
            assert name.startswith(("MYOSAPIENS_OT_", "MYOSAPIENS_PT_", "MYOSAPIENS_UL_")) or (
                name == "MYOSAPIENS_preferences"
            )
    finally:
        myosapiens_addon.unregister()
