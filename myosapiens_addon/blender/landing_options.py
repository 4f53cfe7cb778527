# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a take lands, and how: plain values that also stand in the journal. Light to import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

PELVIS, ROOT, OBJECT = CARRIERS = ("pelvis", "root", "object")
SCENE_RATE = "scene"
CAPTURE_RATE = "capture"


@dataclass(frozen=True, kw_only=True)
class LandingOptions:
    """Where a take lands, and how.

    Attributes:
        armature: name of the armature object; None for the active or only one, else a new one.
        new_armature: build the character's own armature, whatever is in the scene.
        rate: `scene`, `capture` (keys between the scene's frames) or frames per second.
        start_frame: the scene frame of the take's first moment.
        set_range: make the scene play the take.
        bone_map: a preset or a map file; empty for the map that the armature holds, else the
            one that its bones tell.
        path_scale: None for the way across the ground by leg length, else times this (1 for
            the recorded metres).
        in_place: leave that way out.
        carrier: what it is keyed on: `pelvis`, `root` (bone) or `object`.
        contacts: hold planted feet in place.
        use_ik: key the controls for inverse kinematics of limbs, where the preset knows them.
        tolerance_deg: how far rotations may stray for fewer keys; 0 for a key on every frame.
        tolerance_mm: likewise for locations.
        as_strip: push the action down as a strip of an NLA track of its own.
        as_asset: mark the action as an asset.
        catalog: name of the asset's catalogue, with `/` for those within others.
        check: let Blender evaluate a few frames afterwards, and compare.
        model: path of the character's definition (MJCF XML); empty for none.
        joint_preset: path of a joint preset (JSON) for `output.npz` on armatures without joints.
        limits: constrain the bones of a new armature to the limits of the model's joints.
        with_angles: work out the joint angles.
        key_angles: key them as custom properties of the armature object, in degrees.
        angle_order: order of three angles of one joint in `output.npz`.
        angle_degrees: whether `output.npz` is in degrees.
        meshes: bring the meshes of `motion.glb` in, onto the character's own armature.
        empties: make the markers of the capture in `motion.glb` empties.
        fit: give the character's armature the lengths of the take's subject.
        take: path of the take that the files were solved from, for its speed; empty where the
            job knows it, or nobody does.
        capture_rate_hz: frames per second of the capture; goes before what files say.
    """

    armature: str | None = None
    new_armature: bool = False
    rate: str | float = SCENE_RATE
    start_frame: int = 1
    set_range: bool = False
    bone_map: str = ""
    path_scale: float | None = None
    in_place: bool = False
    carrier: str = PELVIS
    contacts: bool = True
    use_ik: bool = False
    tolerance_deg: float = 0.0
    tolerance_mm: float = 0.0
    as_strip: bool = False
    as_asset: bool = False
    catalog: str = ""
    check: bool = True
    model: str = ""
    joint_preset: str = ""
    limits: bool = False
    with_angles: bool = False
    key_angles: bool = False
    angle_order: str = "XYZ"
    angle_degrees: bool = False
    meshes: bool = False
    empties: bool = False
    fit: bool = False
    take: str = ""
    capture_rate_hz: float | None = None


@dataclass(frozen=True, kw_only=True)
class LandingNotes:
    """What the journal keeps of it, so that another start of Blender can do what was asked for.

    Attributes:
        name: of the action, and of a new armature.
        options: where and how.
        blend: the file it was started in, empty for one that was never saved.
        out: where the command line writes the result; empty for a job of the window.
        batch: what a batch knows the take by; empty for others.
    """

    name: str
    options: LandingOptions
    blend: str = ""
    out: str = ""
    batch: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON."""
        places = {"blend": self.blend, "out": self.out, "batch": self.batch}
        return {"name": self.name, **places, **vars(self.options)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any], *, name: str) -> Self:
        """From `as_dict`, or from nothing: a job of another machine has no notes.

        Args:
            value: the notes of a record.
            name: what to call it where they do not say.
        """
        known = LandingOptions.__dataclass_fields__
        options = LandingOptions(**{key: value[key] for key in known if key in value})
        return cls(
            name=str(value.get("name") or name),
            options=options,
            blend=str(value.get("blend") or ""),
            out=str(value.get("out") or ""),
            batch=str(value.get("batch") or ""),
        )
