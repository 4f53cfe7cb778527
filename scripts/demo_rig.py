# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a sub-command in a scene that holds a rig: `demo_rig.py rigify|mixamo SUBCOMMAND …`.

`rigify` is the human rig that Blender's own add-on generates. `mixamo` has the bone names of a
Mixamo character and stands as its FBX files come into Blender: T-pose, centimetres, Y up, the
armature object turned and scaled to metres.
"""

# ruff: noqa: ANN401 - Blender's own types are known inside it only
from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RIGS = ("rigify", "mixamo")
Joint = tuple[str, str, tuple[float, float, float]]

# Bone, parent, and the way from the parent's joint, in cm; X to the left, Y up, Z forward.
# Lengths of an ordinary character of 1.8 m.
TRUNK: tuple[Joint, ...] = (
    ("Hips", "", (0.0, 98.0, 0.0)),
    ("Spine", "Hips", (0.0, 10.0, -1.0)),
    ("Spine1", "Spine", (0.0, 11.7, 0.0)),
    ("Spine2", "Spine1", (0.0, 13.5, 0.0)),
    ("Neck", "Spine2", (0.0, 15.0, 0.9)),
    ("Head", "Neck", (0.0, 10.0, 3.0)),
    ("HeadTop_End", "Head", (0.0, 19.0, 0.0)),
)
SIDE: tuple[Joint, ...] = (
    ("Shoulder", "Spine2", (6.0, 9.0, -0.9)),
    ("Arm", "Shoulder", (13.0, 0.0, 0.0)),
    ("ForeArm", "Arm", (27.0, 0.0, 0.0)),
    ("Hand", "ForeArm", (27.5, 0.0, 0.0)),
    ("UpLeg", "Hips", (9.1, -5.5, 0.0)),
    ("Leg", "UpLeg", (0.0, -41.0, 0.3)),
    ("Foot", "Leg", (0.0, -42.0, -1.5)),
    ("ToeBase", "Foot", (0.0, -7.5, 13.0)),
    ("Toe_End", "ToeBase", (0.0, 0.0, 7.5)),
)
# Finger → its first joint from the wrist, and the way from joint to joint.
FINGERS = {
    "Thumb": ((3.0, -1.5, 2.8), (2.9, -1.0, 1.8)),
    "Index": ((9.2, 0.0, 2.8), (3.3, 0.0, 0.0)),
    "Middle": ((9.4, 0.2, 0.2), (3.6, 0.0, 0.0)),
    "Ring": ((9.0, 0.0, -2.0), (3.2, 0.0, 0.0)),
    "Pinky": ((8.4, -0.3, -4.0), (2.6, 0.0, 0.0)),
}
FINGER_BONES = 4


def main(arguments: list[str]) -> int:
    """Build the rig, and run the sub-command; returns its exit code."""
    sys.path.insert(0, str(ROOT))
    import bpy  # pyright: ignore[reportMissingTypeStubs]

    blender: Any = bpy
    blender.ops.wm.read_factory_settings(use_empty=True)
    build = {"rigify": build_rigify, "mixamo": build_mixamo}[arguments[0]]
    rig = build(blender)
    from myosapiens_addon.blender import headless

    return headless.main([*arguments[1:], "--armature", rig.name], program="demo_rig.py")


def build_rigify(bpy: Any) -> Any:
    """The human rig of Blender's Rigify; its meta-rig is taken away again."""
    import addon_utils  # pyright: ignore[reportMissingImports]

    addon_utils.enable("rigify", default_set=True)  # pyright: ignore
    bpy.ops.object.armature_human_metarig_add()
    metarig = bpy.context.object
    bpy.ops.pose.rigify_generate()
    rig = bpy.context.object
    data = metarig.data
    bpy.data.objects.remove(metarig)
    bpy.data.armatures.remove(data)
    return rig


def build_mixamo(bpy: Any) -> Any:
    """An armature with Mixamo's names, standing as its FBX files do."""
    armature = bpy.data.armatures.new("Mixamo")
    rig = bpy.data.objects.new("Mixamo", armature)
    bpy.context.scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    _add_bones(armature)
    bpy.ops.object.mode_set(mode="OBJECT")
    rig.rotation_euler = (1.5707963, 0.0, 0.0)
    rig.scale = (0.01, 0.01, 0.01)
    bpy.context.view_layer.update()
    return rig


def _joints() -> list[Joint]:
    """All joints, with their prefix, parents first."""
    rows = list(TRUNK)
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        for name, parent, (x, y, z) in SIDE:
            above = parent if parent in ("Spine2", "Hips") else f"{side}{parent}"
            rows.append((f"{side}{name}", above, (sign * x, y, z)))
        for finger, (first, step) in FINGERS.items():
            for number in range(1, FINGER_BONES + 1):
                x, y, z = first if number == 1 else step
                above = "Hand" if number == 1 else f"Hand{finger}{number - 1}"
                rows.append((f"{side}Hand{finger}{number}", f"{side}{above}", (sign * x, y, z)))
    return rows


def _add_bones(armature: Any) -> None:
    heads: dict[str, tuple[float, ...]] = {"": (0.0, 0.0, 0.0)}
    bones: dict[str, Any] = {}
    for name, parent, way in _joints():
        heads[name] = tuple(a + b for a, b in zip(heads[parent], way, strict=True))
        bone = bones[name] = armature.edit_bones.new(f"mixamorig:{name}")
        bone.head, bone.parent = heads[name], bones.get(parent)
    children: dict[str, str] = {}
    for name, parent, _way in _joints():
        children.setdefault(parent, name)
    for name, bone in bones.items():
        child, above = children.get(name), bone.parent
        if child is not None and name not in ("Hips", "Spine2"):
            bone.tail = heads[child]
        elif above is not None and name not in ("Spine2",):
            bone.tail = [h + 0.5 * (h - a) for h, a in zip(bone.head, above.head, strict=True)]
        else:
            bone.tail = (bone.head[0], bone.head[1] + 10.0, bone.head[2])


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # Blender as a module may hang in its destructors
