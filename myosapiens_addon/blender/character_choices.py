# SPDX-License-Identifier: GPL-3.0-or-later
"""The character's definition, and what comes onto the armature with it: a scene's choices."""

from __future__ import annotations

from typing import Any

from bpy.props import BoolProperty, EnumProperty, FloatProperty, StringProperty

from . import compat

ORDERS = tuple(
    (order, order, f"Intrinsic angles about {order[0]}, then {order[1]}, then {order[2]}")
    for order in ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")
)


class CharacterChoices:
    """Mixed into the scene's choices."""

    model: StringProperty(
        name="Definition",
        description="The character's definition (MJCF XML): its bodies and joints. Needed for "
        "qpos.parquet and output.npz, and for joint angles out of motion.glb",
        subtype="FILE_PATH",
        options=compat.PATH_OPTIONS,
    )
    use_limits: BoolProperty(
        name="Joint Limits",
        description="Constrain the bones of a new armature to the limits of the joints",
    )
    use_meshes: BoolProperty(
        name="Meshes",
        description="Bring the meshes of motion.glb in and bind each to its bone, on the "
        "character's own armature",
    )
    use_markers: BoolProperty(
        name="Markers", description="Make the static markers of motion.glb empties"
    )
    use_joint_angles: BoolProperty(
        name="Joint Angles as Curves",
        description="Key the joint angles as custom properties of the armature object, in "
        "degrees, so that the Graph Editor plots them",
    )
    use_fit: BoolProperty(
        name="Fit Armature",
        description="Give the bones of the character's armature the lengths of the take's "
        "subject. Without it the armature keeps its own",
    )
    angle_order: EnumProperty(
        name="Angle Order",
        description="Order of three angles of one joint in output.npz",
        items=ORDERS,
    )
    use_degrees: BoolProperty(
        name="Degrees", description="The angles of output.npz are in degrees, not in radians"
    )
    use_capture_rate: BoolProperty(
        name="Capture Rate",
        description="Tell how fast takes were captured whose own file is not at hand",
    )
    capture_rate: FloatProperty(
        name="Frames per Second",
        description="Frames per second of the capture",
        default=120.0,
        min=1.0,
        soft_max=1000.0,
        precision=3,
    )


def as_options(group: Any, model: str) -> dict[str, Any]:  # noqa: ANN401 - a group of properties
    """The choices as the landing's options.

    Args:
        group: the scene's choices.
        model: the definition's absolute path; empty for none.
    """
    return {
        "model": model,
        "limits": group.use_limits,
        "with_angles": group.use_joint_angles,
        "key_angles": group.use_joint_angles,
        "angle_order": group.angle_order,
        "angle_degrees": group.use_degrees,
        "meshes": group.use_meshes,
        "empties": group.use_markers,
        "fit": group.use_fit,
    }


def told_rate(group: Any) -> float | None:  # noqa: ANN401
    """Frames per second of captures whose take is not known; None where nobody tells."""
    return round(group.capture_rate, 4) if group.use_capture_rate else None
