# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-command about bone maps: which presets there are, and what an armature's bones tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..retarget.mapping import detect, files, presets
from . import map_properties, paths, rig_reader, scene_armatures, stored_map
from .answer import Answer

if TYPE_CHECKING:
    import argparse

    from ..retarget.mapping.roles import RoleMap


def maps(options: argparse.Namespace) -> Answer:
    """List the presets; with an armature, its bone map."""
    if options.armature is None:
        if options.write is not None:
            raise InputError("--write needs --armature: it writes that armature's bone map.")
        return _presets()
    return _of_armature(options)


def _presets() -> Answer:
    known = presets.catalogue(paths.bone_maps())
    rows = [
        {
            "id": one.id,
            "title": one.title,
            "users": one.path is not None and not one.is_shared,
            "studios": one.is_shared,
        }
        for one in known
    ]
    width = max(len(one.id) for one in known)
    text = "\n".join(f"{one.id:{width}}  {one.title}{_whose(one)}" for one in known)
    return Answer(data={"maps": rows}, text=text)


def _whose(preset: presets.Preset) -> str:
    if preset.is_shared:
        return " (your studio's)"
    return " (your own)" if preset.path is not None else ""


def _of_armature(options: argparse.Namespace) -> Answer:
    armature_object: Any = scene_armatures.find(options.armature)
    rig = rig_reader.read_rig(armature_object)
    stored = stored_map.read(armature_object.data)
    found = detect.detect(rig.skeleton, presets.catalogue(paths.bone_maps()))
    role_map = stored or found.role_map
    if not role_map.chains:
        raise InputError(
            f"The bones of {rig.name!r} do not look like a human figure; write a bone map by hand "
            "(docs/architecture.md) or set it in the panel."
        )
    if options.write is not None:
        files.write(options.write, role_map)
    data = {
        "armature": rig.name,
        "title": role_map.title,
        "preset": role_map.preset,
        "stored": stored is not None,
        "sure": None if stored is not None else round(found.sure, 3),
        "bones": {role: list(chain) for role, chain in role_map.chains.items()},
    }
    return Answer(data=data, text=_text(role_map, None if stored is not None else found.sure))


def _text(role_map: RoleMap, sure: float | None) -> str:
    how = "kept with the armature" if sure is None else f"found, {sure:.0%} sure"
    rows = [
        f"  {map_properties.label(role):24} {', '.join(chain)}"
        for role, chain in role_map.chains.items()
    ]
    return "\n".join([f"{role_map.title or 'Bone map'} ({how}):", *rows])
