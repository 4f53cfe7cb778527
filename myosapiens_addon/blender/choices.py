# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene's choices as plain values, and what they come to: jobs and landings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import bpy

from ..errors import InputError, RigError
from ..jobs.spec import JobSpec, SolveOptions, Subject
from . import (
    character_choices,
    motion_choices,
    paths,
    properties,
    scene_armatures,
    take_defaults,
)
from .landing_options import CAPTURE_RATE, SCENE_RATE, LandingNotes, LandingOptions
from .references import Reference
from .rows import LandingPlan

if TYPE_CHECKING:
    from .session import Session


@dataclass(frozen=True, kw_only=True)
class Choices:
    """One scene's choices.

    Attributes:
        takes: absolute paths of the takes.
        markerset: its absolute path; empty for none.
        target: the armature object; None for a new one per take.
        told_rate_hz: frames per second of captures whose take is not known.
    """

    takes: tuple[str, ...]
    markerset: str
    character_id: str | None
    character_version: str | None
    enable_scaling: bool
    subject: Subject
    options: SolveOptions
    target: Reference | None
    landing: LandingOptions
    action_name: str
    told_rate_hz: float | None
    scene: Reference
    scene_name: str


def read(scene: bpy.types.Scene, *, target_name: str = "") -> Choices:
    """The choices of a scene.

    Args:
        scene: the scene.
        target_name: an armature object that goes before the scene's choice.

    Raises:
        InputError: a value is none that a person or the service can have.
        RigError: the target is not clear.
    """
    group = properties.of_scene(scene)
    target = scene_armatures.find(target_name) if target_name else find_target(scene)
    return Choices(
        takes=tuple(properties.absolute(take.filepath) for take in group.takes),
        markerset=properties.absolute(group.markerset),
        character_id=group.character_id or None,
        character_version=group.character_version or None,
        enable_scaling=take_defaults.chosen(group, "enable_scaling"),
        subject=_subject(group),
        options=_options(group),
        target=Reference.to(target) if target is not None else None,
        landing=landing_of(scene, target),
        action_name=group.action_name.strip(),
        told_rate_hz=character_choices.told_rate(group),
        scene=Reference.to(scene),
        scene_name=scene.name,
    )


def _subject(group: Any) -> Subject:  # noqa: ANN401 - a group of properties
    gender = take_defaults.chosen(group, "gender")
    return Subject(
        height_m=round(group.height_m, 4) if group.use_height else None,
        weight_kg=round(group.weight_kg, 3) if group.use_weight else None,
        gender=None if gender == "NONE" else gender.lower(),
    )


def _options(group: Any) -> SolveOptions:  # noqa: ANN401
    return SolveOptions(
        mocap_scale=None if group.units == "AUTO" else int(group.units),
        rotation=None if group.rotation == "NONE" else group.rotation,
        clip_length=group.clip_length if group.use_clip else -1,
        disable_contacts=not group.use_contacts,
        n_frames_scaling=group.scaling_frames,
    )


def landing_of(scene: bpy.types.Scene, target: bpy.types.Object | None) -> LandingOptions:
    """How a scene's choices put takes on an armature; None for a new one."""
    group = properties.of_scene(scene)
    rates = {"SCENE": SCENE_RATE, "CAPTURE": CAPTURE_RATE}
    return LandingOptions(
        armature=target.name if target is not None else None,
        new_armature=target is None,
        rate=rates.get(
            take_defaults.chosen(group, "rate"),
            round(take_defaults.chosen(group, "custom_rate"), 4),
        ),
        start_frame=group.start_frame,
        set_range=take_defaults.chosen(group, "set_range"),
        **motion_choices.as_options(group),
        **character_choices.as_options(group, properties.absolute(group.model)),
    )


def find_target(scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The armature object that takes the motion; None for a new one.

    The chosen one, else the active one, else the only one of the scene.

    Raises:
        RigError: there is none, or there are several.
    """
    group = properties.of_scene(scene)
    if group.target == "NEW":
        return None
    found = why_no_target(scene)
    if isinstance(found, str):
        raise RigError(found)
    return found


def why_no_target(scene: bpy.types.Scene) -> bpy.types.Object | str:
    """The armature object of the scene that takes the motion, or a sentence why none does."""
    group = properties.of_scene(scene)
    chosen = group.armature
    # A deleted object lives on while something points to it, but in no scene.
    if chosen is not None and chosen.name in scene.objects:
        return chosen
    active = bpy.context.view_layer.objects.active
    if active is not None and active.type == "ARMATURE":
        return active
    present = scene_armatures.armatures(scene)
    if len(present) == 1:
        return present[0]
    if not present:
        return "The scene has no armature: choose New Armature."
    return f"The scene has {len(present)} armatures: choose one."


def plan_for(
    session: Session, choices: Choices, *, name: str, knows_take: bool = True
) -> LandingPlan:
    """Where a take goes by these choices.

    Args:
        session: the live session.
        choices: a scene's.
        name: the take's.
        knows_take: whether the job knows its take, and so how fast that was captured.
    """
    single = len(choices.takes) <= 1
    options = choices.landing
    if not knows_take:
        options = replace(options, capture_rate_hz=choices.told_rate_hz)
    return LandingPlan(
        name=(choices.action_name if single else "") or name,
        options=options,
        target=choices.target,
        scene=choices.scene,
        file_number=session.file_number,
    )


def spec_for(choices: Choices, take: str, *, tell_names: bool) -> JobSpec:
    """The job that solves a take by these choices; its folder is given later.

    Args:
        choices: the scene's.
        take: path of the take.
        tell_names: whether the service may know what scene, file and take are called.

    Raises:
        InputError: no markerset is chosen.
    """
    if not choices.markerset:
        raise InputError("No markerset is chosen: choose the one that the take was recorded with.")
    return JobSpec(
        c3d=Path(take),
        markerset=Path(choices.markerset),
        out_dir=Path(),
        character_id=choices.character_id,
        character_version=choices.character_version,
        subject=choices.subject,
        enable_scaling=choices.enable_scaling,
        options=choices.options,
        metadata=MappingProxyType(_names(choices, take) if tell_names else {}),
    )


def _names(choices: Choices, take: str) -> dict[str, str]:
    told = {
        "take": paths.take_name(Path(take)),
        "scene": choices.scene_name,
        "file": Path(bpy.data.filepath).name,
    }
    return {name: text for name, text in told.items() if text}


def notes_for(plan: LandingPlan) -> LandingNotes:
    """What the journal keeps of a plan."""
    return LandingNotes(name=plan.name, options=plan.options, blend=bpy.data.filepath)
