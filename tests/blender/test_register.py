# SPDX-License-Identifier: GPL-3.0-or-later
"""Enabling, disabling and enabling again leaves nothing behind."""

from __future__ import annotations

import bpy

import myosapiens_addon

BASES = (
    bpy.types.AddonPreferences, bpy.types.Operator, bpy.types.Panel, bpy.types.PropertyGroup,
    bpy.types.UIList, bpy.types.Menu, bpy.types.Header, bpy.types.FileHandler,
)  # fmt: skip
PREFIXES = tuple(f"MYOSAPIENS_{kind}_" for kind in ("OT", "PT", "UL", "MT", "FH", "PG"))


def registered() -> set[str]:
    """Names of the Python classes that Blender knows at this moment."""
    return {
        entry.__name__
        for base in BASES
        for entry in base.__subclasses__()
        if getattr(entry, "is_registered", False)
    }


def ours() -> set[str]:
    return {name for name in registered() if "myosapiens" in name.lower()}


def test_register_unregister_register() -> None:
    before, types_before = registered(), set(dir(bpy.types))
    for _ in range(2):
        myosapiens_addon.register()
        assert "MYOSAPIENS_preferences" in ours()
        myosapiens_addon.unregister()
        assert registered() == before
        assert set(dir(bpy.types)) == types_before


def test_classes_are_named_as_blender_wants() -> None:
    myosapiens_addon.register()
    try:
        for name in ours():
            assert name.startswith(PREFIXES) or name == "MYOSAPIENS_preferences"
    finally:
        myosapiens_addon.unregister()
