# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line about what the service's outputs hold besides a motion, and characters."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..files import check_writable
from ..motion import mjcf
from . import (
    angle_tables,
    armature,
    character_armature,
    extras,
    reading,
)
from .answer import Answer
from .compat import current_scene
from .landing_options import LandingOptions
from .scene_armatures import find

ANGLE_ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")


def character_armature_file(options: argparse.Namespace) -> Answer:
    """Build an armature from a character's definition, and save it."""
    from .headless_takes import save_blend

    check_writable(options.out)
    character = mjcf.read(options.model)
    made = character_armature.make(character, name=options.name or character.title)
    warnings = extras.add_limits(made, character) if options.limits else []
    armature.place(made, current_scene())
    save_blend(options.out)
    data = {
        "armature": made.name,
        "bones": len(character.names),
        "joints": len(character.joints),
        "coordinates": len(character.coordinate_names),
        "warnings": warnings,
        "out": str(options.out),
    }
    text = (
        f"{options.out}: armature {made.name!r} with {len(character.names)} bones and "
        f"{len(character.joints)} joints."
    )
    return Answer(data=data, text="\n".join([text, *warnings]))


def angles(options: argparse.Namespace) -> Answer:
    """Write the joint angles of output files to a table."""
    angle_tables.check(options.out)
    target = find(options.armature) if options.armature else None
    landing = LandingOptions(
        model=str(options.model) if options.model else "",
        joint_preset=str(options.joint_preset) if options.joint_preset else "",
        with_angles=True,
        angle_order=options.angle_order,
        angle_degrees=options.degrees,
        take=str(options.take) if options.take else "",
        capture_rate_hz=options.capture_rate,
    )
    found = reading.wanted(options.output, landing, target=target).angles()
    angle_tables.write(options.out, found)
    data = {
        "angles": str(options.out),
        "joints": list(found.names),
        "frames": len(found.times),
        "warnings": list(found.notes),
    }
    text = f"{options.out}: {len(found.names)} joint angles in {len(found.times)} frames."
    return Answer(data=data, text="\n".join([text, *found.notes]))


# Arguments


def add_reading_arguments(command: argparse.ArgumentParser) -> Any:  # noqa: ANN401 - a group
    """How output files are read."""
    group = command.add_argument_group("output files")
    group.add_argument(
        "--model",
        type=Path,
        metavar="MJCF.xml",
        help="the character's definition, for qpos.parquet, output.npz and joint angles",
    )
    group.add_argument(
        "--joint-preset",
        type=Path,
        metavar="PRESET.json",
        help="joints for output.npz on armatures whose bones hold none (docs/pipeline.md)",
    )
    group.add_argument(
        "--angle-order",
        choices=ANGLE_ORDERS,
        default=ANGLE_ORDERS[0],
        help="order of three intrinsic angles of one joint in output.npz (default: XYZ)",
    )
    group.add_argument("--degrees", action="store_true", help="output.npz is in degrees")
    return group


def add_speed_arguments(command: argparse.ArgumentParser) -> None:
    """What says how fast the take was captured."""
    group = command.add_mutually_exclusive_group()
    group.add_argument("--take", type=Path, metavar="FILE", help="the take, for its speed")
    group.add_argument(
        "--capture-rate", type=_rate, metavar="HZ", help="frames per second of the capture"
    )


def add_extra_arguments(command: argparse.ArgumentParser) -> None:
    """What comes onto the armature besides the pose."""
    group = add_reading_arguments(command)
    group.add_argument(
        "--joint-angles",
        action="store_true",
        help="key joint angles as custom properties (degrees)",
    )
    group.add_argument(
        "--angles-out", type=Path, metavar="FILE", help="write joint angles to a .csv or .parquet"
    )
    group.add_argument(
        "--limits",
        action="store_true",
        help="constrain a new armature to the limits of the model's joints",
    )
    group.add_argument(
        "--meshes", action="store_true", help="bring the meshes of motion.glb in, bound to bones"
    )
    group.add_argument(
        "--markers", action="store_true", help="with --meshes: static markers become empties"
    )
    group.add_argument(
        "--fit-armature",
        action="store_true",
        help="give the character's armature the lengths of the take's subject",
    )


def as_options(options: argparse.Namespace) -> dict[str, Any]:
    """The words of the command line as options of the landing."""
    take = getattr(options, "take", None)
    return {
        "model": str(options.model.absolute()) if options.model else "",
        "joint_preset": str(options.joint_preset.absolute()) if options.joint_preset else "",
        "limits": options.limits,
        "with_angles": options.joint_angles or options.angles_out is not None,
        "key_angles": options.joint_angles,
        "angle_order": options.angle_order,
        "angle_degrees": options.degrees,
        "meshes": options.meshes,
        "empties": options.markers,
        "fit": options.fit_armature,
        "take": str(take.absolute()) if take else "",
        "capture_rate_hz": getattr(options, "capture_rate", None),
    }


def add_output_argument(command: argparse.ArgumentParser) -> None:
    """Which files to read."""
    command.add_argument(
        "--output",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help="what the service returned: .glb, .parquet, .npz",
    )


def add_commands(add: Any, commands: Any) -> None:  # noqa: ANN401 - see `headless._add`
    """The sub-commands of this module."""
    build = add(
        commands,
        "armature",
        character_armature_file,
        "Build an armature from a character's definition (MJCF XML).",
    )
    build.add_argument(
        "--model", type=Path, required=True, metavar="MJCF.xml", help="the character's definition"
    )
    build.add_argument("--name", default="", help="default: the model's name")
    build.add_argument("--limits", action="store_true", help="joint limits as constraints")
    build.add_argument(
        "--out", type=Path, required=True, metavar="OUT.blend", help="where the scene is saved"
    )
    table = add(commands, "angles", angles, "Write the joint angles of output files to a table.")
    add_output_argument(table)
    table.add_argument("--armature", metavar="NAME", help="take joints from this armature's bones")
    add_reading_arguments(table)
    add_speed_arguments(table)
    table.add_argument("--out", type=Path, required=True, metavar="FILE", help=".csv or .parquet")


def _rate(text: str) -> float:
    value = float(text)
    if not 0.0 < value < float("inf"):
        raise ValueError(text)
    return value


_rate.__name__ = "number above 0"  # as argparse names it
