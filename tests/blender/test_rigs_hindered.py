# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of keys is told: constraints, chains, locks, and what does nothing not."""

from __future__ import annotations

from typing import Any

import bpy

from myosapiens_addon.blender import hindrances
from tests.blender import rig_builders as rigs
from tests.blender.rig_takes import land
from tests.helpers import figures


def test_an_object_that_something_else_moves_is_told() -> None:
    built = rigs.vroid()
    built.object.constraints.new("LIMIT_LOCATION").name = "Fence"
    landing = land(built, figures.figure(), carrier="object")
    assert any("(constraint 'Fence')" in text for text in landing.warnings)
    assert land(built, figures.figure()).warnings == []


def constrained(built: rigs.Built, bone: str, turn: float) -> None:
    limit = built.object.pose.bones[bone].constraints.new("LIMIT_ROTATION")
    limit.name = "Stiff"
    limit.use_limit_x = limit.use_limit_y = limit.use_limit_z = True
    limit.min_x = limit.max_x = turn
    limit.owner_space = "LOCAL"


def test_constraints_that_hold_a_bone_elsewhere_are_told() -> None:
    built = rigs.mixamo()
    constrained(built, "mixamorig:LeftForeArm", 0.0)
    landing = land(built, figures.figure(), contacts=False)
    assert any("mixamorig:LeftForeArm (constraint 'Stiff')" in text for text in landing.warnings)
    assert landing.direction_error_deg > 5.0
    assert any("degrees off" in text and "constraint" in text for text in landing.warnings)


def test_constraints_that_do_nothing_are_not_told() -> None:
    built = rigs.mixamo()
    constrained(built, "mixamorig:LeftForeArm", 0.0)
    built.object.pose.bones["mixamorig:LeftForeArm"].constraints[0].mute = True
    landing = land(built, figures.figure(), contacts=False)
    assert not landing.warnings
    assert landing.direction_error_deg < 0.05


def test_bones_in_the_chain_of_inverse_kinematics_are_told() -> None:
    built = rigs.mixamo()
    goal = bpy.data.objects.new("Goal", None)
    bpy.context.scene.collection.objects.link(goal)
    chain = built.object.pose.bones["mixamorig:LeftHand"].constraints.new("IK")
    chain.name, chain.chain_count = "Reach", 3
    assert not any("Reach" in text for text in land(built, figures.figure()).warnings)
    chain.target = goal
    landing = land(built, figures.figure(), contacts=False)
    (told,) = (text for text in landing.warnings if text.startswith("Keyed, but"))
    assert "mixamorig:LeftHand (constraint 'Reach')" in told
    for bone in ("LeftForeArm", "LeftArm"):
        assert f"mixamorig:{bone} (constraint 'Reach' of mixamorig:LeftHand)" in told
    assert "LeftShoulder" not in told


def test_a_chain_to_the_root_that_begins_above_its_bone() -> None:
    built = rigs.mixamo()
    goal = bpy.data.objects.new("Goal", None)
    bpy.context.scene.collection.objects.link(goal)
    pose: Any = built.object.pose.bones
    chain = pose["mixamorig:LeftForeArm"].constraints.new("IK")
    chain.target, chain.use_tail, chain.chain_count = goal, False, 0
    found = hindrances.of_bones(pose)
    above = {bone.name for bone in pose["mixamorig:LeftForeArm"].parent_recursive}
    assert set(found) == {"mixamorig:LeftForeArm", *above}


def test_constraints_without_a_target_are_not_told() -> None:
    built = rigs.mixamo()
    built.object.pose.bones["mixamorig:LeftForeArm"].constraints.new("COPY_ROTATION")
    built.object.pose.bones["mixamorig:LeftArm"].constraints.new("ARMATURE")
    landing = land(built, figures.figure(), contacts=False)
    assert not landing.warnings
    assert landing.direction_error_deg < 0.05


def test_partly_locked_bones_are_told() -> None:
    built = rigs.build(rigs.known("vroid"), modes=("XYZ",))
    built.object.pose.bones["J_Bip_C_Head"].lock_rotation = (False, True, True)
    landing = land(built, figures.figure(), contacts=False)
    assert any("J_Bip_C_Head" in text and "locked about YZ" in text for text in landing.warnings)
