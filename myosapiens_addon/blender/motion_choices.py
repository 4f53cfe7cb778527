# SPDX-License-Identifier: GPL-3.0-or-later
"""How motion goes onto an armature, and what becomes of its action: a scene's choices."""

from __future__ import annotations

from typing import Any

from bpy.props import BoolProperty, EnumProperty, FloatProperty, StringProperty

PATHS = (
    ("LEGS", "By Leg Length", "The way over the ground is scaled as the legs are"),
    ("METRES", "As Recorded", "The way over the ground keeps its metres"),
    ("FACTOR", "Factor", "The way over the ground is the recorded one times a factor"),
)
CARRIERS = (
    ("PELVIS", "Pelvis", "The pelvis (or the control that moves it) carries the whole way"),
    ("ROOT", "Root Bone", "The root bone carries the way over the ground, the pelvis the rest"),
    ("OBJECT", "Object", "The armature object carries the way over the ground"),
)


class MotionChoices:
    """Mixed into the scene's choices."""

    path: EnumProperty(name="Path", description="How long the way over the ground is", items=PATHS)
    path_factor: FloatProperty(
        name="Factor",
        description="Length of the way as a multiple of the recorded metres",
        default=1.0,
        min=0.0,
        soft_max=10.0,
        precision=3,
    )
    in_place: BoolProperty(
        name="In Place",
        description="Leave the way over the ground out; the swaying of steps stays. Planted feet "
        "then slide, as on a treadmill",
    )
    carrier: EnumProperty(
        name="Carried By", description="What the way over the ground is keyed on", items=CARRIERS
    )
    plant_feet: BoolProperty(
        name="Plant Feet",
        description="Hold feet in place while the recorded ones stand on the ground: legs are "
        "bent and hips lowered for it",
        default=True,
    )
    use_ik: BoolProperty(
        name="Key IK Controls",
        description="On rigs whose preset knows them, key the controls for inverse kinematics "
        "of arms and legs instead of those for forward kinematics",
    )
    use_tolerance: BoolProperty(
        name="Fewer Keys",
        description="Leave out keys that straight lines between the others replace",
    )
    tolerance_deg: FloatProperty(
        name="Rotation",
        description="How far a bone may turn from the take, in degrees",
        default=0.1,
        min=0.001,
        soft_max=5.0,
        precision=3,
    )
    tolerance_mm: FloatProperty(
        name="Location",
        description="How far a bone may move from the take, in millimetres",
        default=1.0,
        min=0.001,
        soft_max=50.0,
        precision=2,
    )
    as_strip: BoolProperty(
        name="NLA Strip", description="Push the action down as a strip of a new NLA track"
    )
    as_asset: BoolProperty(
        name="Asset", description="Mark the action as an asset, with the take's name and the date"
    )
    catalog: StringProperty(
        name="Catalogue",
        description="The asset's catalogue, with / for one within another; empty for none",
    )


def as_options(group: Any) -> dict[str, Any]:  # noqa: ANN401 - a group of properties
    """The choices as the landing's options."""
    factors = {"LEGS": None, "METRES": 1.0, "FACTOR": round(group.path_factor, 5)}
    return {
        "path_scale": factors[group.path],
        "in_place": group.in_place,
        "carrier": group.carrier.lower(),
        "contacts": group.plant_feet,
        "use_ik": group.use_ik,
        "tolerance_deg": round(group.tolerance_deg, 4) if group.use_tolerance else 0.0,
        "tolerance_mm": round(group.tolerance_mm, 4) if group.use_tolerance else 0.0,
        "as_strip": group.as_strip,
        "as_asset": group.as_asset,
        "catalog": group.catalog.strip() if group.as_asset else "",
    }
