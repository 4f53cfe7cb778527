# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be found wrong with a landing before there is a result, and so before it is paid."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..motion import angle_names
from ..retarget import choosing
from ..retarget.mapping import presets
from . import paths, reading, rig_reader, scene_armatures, stored_map
from .landing_options import CAPTURE_RATE, CARRIERS, SCENE_RATE, LandingOptions

if TYPE_CHECKING:
    import bpy

    from ..retarget.mapping.roles import RoleMap
    from ..retarget.rig import Rig


def check_target(armature_object: bpy.types.Object, options: LandingOptions) -> None:
    """Refuse, before anything is paid, an armature that no take can land on.

    Raises:
        RigError: it cannot be animated, or it is not clear which of its bones follow what.
        InputError: the named bone map is none.
    """
    check_options(options)
    scene_armatures.check_animatable(armature_object)
    rig = rig_reader.read_rig(armature_object)
    kept = paths.bone_maps()
    stored = stored_map.read(armature_object.data)
    bones = bone_map(rig, options.bone_map, stored, kept, [])
    choosing.check_map(rig, bones, presets.catalogue(kept))


def check_outputs(base_url: str, options: LandingOptions, target: bpy.types.Object | None) -> None:
    """Refuse, before anything is paid, a service whose results nothing here could read.

    Args:
        base_url: of the service.
        options: of the landing.
        target: the armature; None for a new one.

    Raises:
        InputError: it is known to return joint angles only, and nothing tells what they turn.
    """
    from ..service.revisions import Revision

    if options.model or paths.revision_memory().recall(base_url) is not Revision.ONE:
        return
    if target is not None and reading.character_of(target) is not None:
        return
    raise InputError(
        "This service returns joint angles only (revision 1 of the API), which become poses by "
        "the character's definition: choose its model (MJCF XML) first, or an armature that was "
        "built from it as the target."
    )


def check_options(options: LandingOptions) -> None:
    """Refuse values that make no sense.

    Raises:
        InputError: one does not.
    """
    if isinstance(options.rate, str) and options.rate not in (SCENE_RATE, CAPTURE_RATE):
        raise InputError(
            f"The rate {options.rate!r} is none; give {SCENE_RATE!r}, {CAPTURE_RATE!r} or a number."
        )
    if options.carrier not in CARRIERS:
        known = ", ".join(CARRIERS)
        raise InputError(f"{options.carrier!r} carries nothing; choose one of {known}.")
    numbers = {
        "path scale": 0.0 if options.path_scale is None else options.path_scale,
        "tolerance in degrees": options.tolerance_deg,
        "tolerance in mm": options.tolerance_mm,
    }
    if options.capture_rate_hz is not None and not 0.0 < options.capture_rate_hz < math.inf:
        raise InputError(
            f"A capture rate of {options.capture_rate_hz} is not possible; give frames per second."
        )
    angle_names.axes_of(options.angle_order)
    files = {
        "character's model": options.model,
        "joint preset": options.joint_preset,
        "take": options.take,
    }
    for what, path in files.items():
        if path and not Path(path).is_file():
            raise InputError(f"The {what} {path} is not there; check the path.")
    for name, value in numbers.items():
        if not 0.0 <= value < math.inf:
            raise InputError(f"A {name} of {value} is not possible; give 0 or a number above.")


def bone_map(
    rig: Rig, text: str, stored: RoleMap | None, user_maps: presets.Kept, warnings: list[str]
) -> RoleMap | None:
    """The map that is asked for, else the one that the armature holds; None to find one out.

    Args:
        rig: the armature.
        text: a preset or a map file; empty for none.
        stored: the map that the armature holds.
        user_maps: where presets are besides the built-in ones.
        warnings: sentences are added to it.

    Raises:
        InputError: there is no such preset, or the file is no map.
        RigError: hardly any of the preset's bones is there.
    """
    if text:
        preset = presets.find(text, user_maps)
        if preset.path is not None:
            missing = presets.missing(preset, rig.names)
            warnings += choosing.absent_warning(missing, rig)
        return presets.apply(preset, rig.names, rig.name)
    if stored is None or stored.rig or not stored.preset:
        return stored
    # A map that was written by hand may name its kind only.
    of_kind = {preset.id: preset for preset in presets.catalogue(user_maps)}.get(stored.preset)
    if of_kind is None:
        return stored
    return replace(stored, rig=presets.match(of_kind.document, presets.NameIndex(rig.names)).rig)
