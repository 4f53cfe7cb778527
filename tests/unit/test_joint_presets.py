# SPDX-License-Identifier: GPL-3.0-or-later
"""Joint presets: what files say of a joint's axis, and what a real take says of ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from myosapiens_addon.errors import InputError, RigError
from myosapiens_addon.motion import forward, glb, joint_presets
from myosapiens_addon.motion.character import Character
from tests.helpers.motions import NAMES, moving

HIP = {"joint": "hip", "body": "femur_r", "axis": [0, 0, 2]}


def keep(folder: Path, content: object) -> Path:
    path = folder / "mine.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def document(*joints: object, **more: object) -> dict[str, Any]:
    return {"format": "joint-preset", "version": 1, "joints": list(joints), **more}


def test_a_preset_written_by_hand(tmp_path: Path) -> None:
    slide = {
        "joint": "glide",
        "body": "patella_r",
        "kind": "slide",
        "axis": [0, -1, 0],
        "position": [0, 0.1, 0],
        "reference": 0.02,
        "limits": [-0.1, 0.2],
    }
    turned = {**HIP, "limits": [-30, 180], "reference": 90}
    ball = {"joint": "ball", "body": "humerus_r", "kind": "ball", "limits": [0, 90]}
    found = joint_presets.read(keep(tmp_path, document(turned, slide, ball, title="Bob")))
    assert (found.id, found.title) == ("mine", "Bob")
    hip, glide, shoulder = found.joints
    assert (hip.name, hip.body, hip.kind) == ("hip", "femur_r", "hinge")
    np.testing.assert_allclose(hip.axis, [0, 0, 1])
    assert hip.limits == pytest.approx((-np.pi / 6, np.pi))
    assert hip.reference == pytest.approx(np.pi / 2)
    assert glide.limits == (-0.1, 0.2)
    assert glide.reference == 0.02
    np.testing.assert_allclose(glide.position, [0, 0.1, 0])
    assert shoulder.limits == pytest.approx((0, np.pi / 2))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "not JSON: .* line 1"),
        ("[" * 100_000, "nested too deep"),
        ("3", "holds no object"),
        ({"format": "bone-map", "version": 1}, '"format" and "version"'),
        (document(HIP, version=2), '"format" and "version"'),
        (document(), 'no list of "joints"'),
        ({**document(), "joints": {"hip": HIP}}, 'no list of "joints"'),
        (document(HIP, joint="x"), "'joint', which is none of"),
        (document(HIP, title=3), "'title' of the preset is no text"),
        (document("hip"), "something that is no joint"),
        (document({"body": "femur_r", "axis": [0, 0, 1]}), "no name"),
        (document({**HIP, "body": ""}), "no name or no"),
        (document({**HIP, "body": ["x"]}), "'body' of the joint 'hip' is no text"),
        (document({**HIP, "axes": [0, 0, 1]}), "'axes', which is none of"),
        (document({**HIP, "kind": "screw"}), "none of free, ball, slide, hinge"),
        (document({**HIP, "kind": []}), "none of free, ball, slide, hinge"),
        (document({**HIP, "axis": [0, 0, 0]}), "points nowhere"),
        (document({**HIP, "axis": [0, 1]}), "\"axis\" of the joint 'hip' is not three numbers"),
        (document({**HIP, "axis": [0, 1, float("nan")]}), "not three numbers"),
        (document({**HIP, "axis": [0, 1, True]}), "not three numbers"),
        (document({**HIP, "axis": "001"}), "not three numbers"),
        (document({**HIP, "position": [10**400, 0, 0]}), "not three numbers|too large"),
        (document({**HIP, "reference": "0"}), '"reference" of .* not a number'),
        (document({**HIP, "limits": [1]}), "not two numbers"),
        (document({**HIP, "limits": [2, 1]}), "end before they start"),
        (document(HIP, HIP), "the joint 'hip' twice"),
        (" " * (1024 * 1024 + 1), "too large"),
    ],
)
def test_what_is_no_preset_is_told(tmp_path: Path, content: object, said: str) -> None:
    with pytest.raises(InputError, match=said) as told:
        joint_presets.read(keep(tmp_path, content))
    assert told.value.sentence.startswith(("mine.json is no", "mine.json is too large to be"))


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        joint_presets.read(tmp_path / "none.json")
    with pytest.raises(InputError, match="is a folder"):
        joint_presets.read(tmp_path)
    (tmp_path / "latin.json").write_bytes(b'{"title": "\xe4"}')
    with pytest.raises(InputError, match="not text in UTF-8"):
        joint_presets.read(tmp_path / "latin.json")


def test_the_preset_that_knows_most_names_is_chosen(tmp_path: Path) -> None:
    own = joint_presets.read(keep(tmp_path, document(HIP, {**HIP, "joint": "hip_flex_r"})))
    assert joint_presets.for_names(["hip_flex_r", "knee_flex_r"], [own]).id == "myoskeleton"
    assert joint_presets.for_names(["hip_flex_r"], [own]) is own
    assert joint_presets.for_names(["hip_flex_r"]).id == "myoskeleton"
    with pytest.raises(InputError, match=r"such as 'elbow'"):
        joint_presets.for_names(["wing", "elbow"], [own])
    with pytest.raises(InputError, match="No joint preset knows these joints;"):
        joint_presets.for_names([])


def resting(preset: joint_presets.JointPreset) -> Character:
    motion = moving()
    return joint_presets.character_for(
        preset,
        title="Anna",
        names=motion.names,
        parents=motion.parents,
        positions=motion.rest_positions,
        rotations=motion.rest_rotations,
    )


def test_a_character_of_bodies_and_a_preset(tmp_path: Path) -> None:
    character = resting(joint_presets.built_in()[0])
    assert {"hip_flex_r", "hip_flex_l", "elbow_flex_r"} <= set(character.coordinate_names)
    assert "elbow_flex_l" not in character.coordinate_names  # there is no left ulna
    positions, rotations = forward.poses(character, forward.reference_coordinates(character)[None])
    motion = moving()
    np.testing.assert_allclose(positions[0], motion.rest_positions, atol=1e-12)
    np.testing.assert_allclose(np.abs(np.sum(rotations[0] * motion.rest_rotations, -1)), 1.0)
    other = joint_presets.read(keep(tmp_path, document({**HIP, "body": "tail"}, title="Dog")))
    with pytest.raises(RigError, match=r"'Anna' has none .* 'Dog' \(such as 'tail'\)"):
        resting(other)


@pytest.mark.parametrize(
    ("joint", "body", "moved", "way"),
    [
        # World axes of the figure: it looks along −Y, its left is +X, Z is up.
        ("hip_flex_r", "tibia_r", "tibia_r", (0, -1, 0)),
        ("hip_flex_l", "tibia_l", "tibia_l", (0, -1, 0)),
        ("knee_flex_r", "talus_r", "talus_r", (0, 1, 0)),
        ("hip_abdu_r", "tibia_r", "tibia_r", (1, 0, 0)),
        ("hip_abdu_l", "tibia_l", "tibia_l", (-1, 0, 0)),
        ("elbow_flex_r", "lunate_r", "lunate_r", (0, -1, 0)),
        ("ankle_flex_r", "toes_r", "toes_r", (0, 0, 1)),
        ("shoulder_flex_l", "humerus_l", "", (0, -1, 0)),
        ("l1_l2_flex", "skull", "skull", (0, 1, 0)),
        ("t12_l1_bend", "skull", "skull", (-1, 0, 0)),
    ],
)
def test_positive_angles_move_limbs_the_conventional_way(
    joint: str, body: str, moved: str, way: tuple[float, float, float]
) -> None:
    character = resting(joint_presets.built_in()[0])
    values = np.tile(forward.reference_coordinates(character), (2, 1))
    values[1, character.starts[joint]] = 0.3
    positions, rotations = forward.poses(character, values)
    index = NAMES.index(body)
    if moved:
        went = positions[1, index] - positions[0, index]
    else:  # the last body of a limb: where a point below its origin goes
        turned = Rotation.from_quat(rotations[:, index], scalar_first=True)
        below = turned.apply([0, -0.2, 0])
        went = below[1] - below[0]
    assert went @ np.array(way) > 0.6 * np.linalg.norm(went) > 0.0


# Joints whose axes the preset gives by convention only: how far its pose may be from the take's.
NEAR_DEG = {"tibia_r": 5.0, "tibia_l": 5.0, "clavicle_r": 2.0, "clavicle_l": 2.0}
EXACT_DEG = 0.1


def test_the_preset_gives_the_poses_of_a_real_take(walk: Path) -> None:
    motion = glb.read(walk / "motion_nomesh.glb")
    character = joint_presets.character_for(
        joint_presets.built_in()[0],
        title="take",
        names=motion.names,
        parents=motion.parents,
        positions=motion.rest_positions,
        rotations=motion.rest_rotations,
    )
    stored = np.load(walk / "output.npz")
    columns = {name: index for index, name in enumerate(stored["joint_names"].tolist())}
    angles = stored["joint_angles"]
    chosen = [columns[name] for name in character.coordinate_names]
    _, found = forward.poses(character, angles[:, chosen])
    bodies = json.loads((walk / "body_names.json").read_text())
    golden = np.load(walk / "golden_xquat.npy")[:, [bodies.index(name) for name in motion.names]]
    moved = {joint.body for joint in character.joints}
    assert len(moved) == 14 + 2 * 10
    for body in moved:
        name, parent = character.names[body], int(character.parents[body])
        off = np.degrees(
            (against(found, body, parent).inv() * against(golden, body, parent)).magnitude()
        )
        assert off.max() < NEAR_DEG.get(name, EXACT_DEG), name
    # What is left out of the preset does not move in the take, or the angles are no such joints.
    rest = [name for name in columns if name not in character.coordinate_names]
    assert np.abs(angles[:, [columns[name] for name in rest]]).max() == 0.0


def against(rotations: np.ndarray, body: int, parent: int) -> Rotation:
    turned = Rotation.from_quat(rotations[:, body], scalar_first=True)
    return Rotation.from_quat(rotations[:, parent], scalar_first=True).inv() * turned
