# SPDX-License-Identifier: GPL-3.0-or-later
"""Numeric outputs on a character: matched by name, and what does not fit is said."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from myosapiens_addon.errors import InputError, OutputError
from myosapiens_addon.motion import coordinates, forward, glb, kinematics, mjcf, npz, parquet
from myosapiens_addon.motion.angle_names import ORDERS
from myosapiens_addon.motion.character import Character, JointKind
from myosapiens_addon.motion.quaternion import angle_between, conjugate, normalised, rotate
from tests.helpers import mjcf_models
from tests.helpers.outputs import X, Y, Z, figure, joint, npz_output, qpos_output

FRAMES = 6
RNG = np.random.default_rng(11)
TURNS = normalised(RNG.normal(size=(FRAMES, 4)))
REST = np.array([0.0, 0, 0.9, 1, 0, 0, 0, 0, 0, 0, -0.018, 0.25, 1, 0, 0, 0])


@pytest.fixture(scope="module")
def real() -> Character:
    return mjcf.read(mjcf_models.of_package())


def root_as(*names: str) -> dict[str, np.ndarray]:
    """Seven columns of a root: a place and a rotation."""
    values = np.concatenate([RNG.normal(size=(FRAMES, 3)), TURNS], axis=1)
    return dict(zip(names, values.T, strict=True))


def below_root() -> dict[str, np.ndarray]:
    hinges = ("hip_flex_r", "hip_abdu_r", "hip_arot_r", "patella_ty_r", "patella_rz_r")
    columns = {name: RNG.normal(size=FRAMES) for name in hinges}
    return columns | {f"shoulder_r_q{c}": TURNS[:, k] for k, c in enumerate("wxyz")}


EXACT = tuple(f"free_{part}" for part in ("tx", "ty", "tz", "qw", "qx", "qy", "qz"))


def test_real_columns_are_coordinates(walk: Path, real: Character) -> None:
    """Bodies turn as in the golden poses: rotations do not depend on the subject's lengths."""
    qpos = parquet.read_qpos(walk / "qpos.parquet")
    matched = coordinates.from_qpos(real, qpos)
    assert (matched.missing, matched.unused, matched.sentences) == ((), (), ())
    rotations = forward.poses(real, matched.coordinates)[1]
    names = json.loads((walk / "body_names.json").read_text())
    golden = np.load(walk / "golden_xquat.npy")[:, [names.index(name) for name in real.names]]
    assert angle_between(rotations, golden).max() < 1e-9


def test_real_slides_are_absolute(walk: Path, real: Character) -> None:
    """What is written is the coordinate itself: bodies are off their rest by it less the reference.

    The GLB has the subject's own rest pose and moved bodies.
    """
    qpos = parquet.read_qpos(walk / "qpos.parquet")
    matched = coordinates.from_qpos(real, qpos).coordinates
    motion = glb.read(walk / "motion_nomesh.glb")
    moved = kinematics.local_from_world(motion.parents, motion.positions, motion.rotations)[0]
    rest, turned = kinematics.local_from_world(
        motion.parents, motion.rest_positions[None], motion.rest_rotations[None]
    )
    assert {abs(j.reference) for j in real.joints if j.kind is JointKind.SLIDE} > {0.0}
    for body in ("patella_r", "patella_l", "tibia_r", "tibia_l", "abdomen"):
        here, there = motion.names.index(body), real.names.index(body)
        offset = rotate(conjugate(turned[0, here]), moved[:, here] - rest[0, here])
        wanted = np.zeros((len(motion.times), 3))
        for each in real.joints:
            if each.body == there and each.kind is JointKind.SLIDE:
                column = matched[:, real.starts[each.name]]
                wanted += (column - each.reference)[:, None] * each.axis
        np.testing.assert_allclose(offset, wanted, atol=1e-6)


def test_real_angles_are_the_same_coordinates(walk: Path, real: Character) -> None:
    found = coordinates.from_angles(real, npz.read(walk / "output.npz"))
    qpos = parquet.read_qpos(walk / "qpos.parquet")
    wanted = coordinates.from_qpos(real, qpos).coordinates
    rest = forward.reference_coordinates(real)
    assert found.unused == ()
    for each in real.joints:
        at = slice(real.starts[each.name], real.starts[each.name] + each.width)
        if each.name in found.missing:
            assert np.array_equal(found.coordinates[:, at], np.tile(rest[at], (412, 1)))
        else:
            np.testing.assert_allclose(found.coordinates[:, at], wanted[:, at], atol=1e-12)
    assert "myoskeleton_root" in found.missing
    assert len(found.missing) == 16
    (sentence,) = found.sentences
    assert "no root, so the character stays in place" in sentence
    assert "nothing of 15 of 130 joints" in sentence


@pytest.mark.parametrize(
    "names",
    [
        EXACT,
        tuple(name.replace("free", "myoskeleton_root") for name in EXACT),
        ("root_x", "root_y", "root_z", "root_qw", "root_qx", "root_qy", "root_qz"),
        ("rootx", "rooty", "rootz", "rootqw", "rootqx", "rootqy", "rootqz"),
        ("Root_tx", "Root_ty", "Root_tz", "Root_rot_qw", "Root_rot_qx", "Root_rot_qy", "Root_qz"),
    ],
)
def test_columns_by_name_in_any_order(names: tuple[str, ...]) -> None:
    columns = root_as(*names) | below_root()
    wanted = np.stack(list(columns.values()), axis=1)
    shuffled = dict(reversed(columns.items()))
    matched = coordinates.from_qpos(figure(), qpos_output(shuffled))
    np.testing.assert_allclose(matched.coordinates, wanted, atol=1e-12)
    assert (matched.missing, matched.unused, matched.sentences) == ((), (), ())


def test_a_free_joint_called_root_with_plain_axes() -> None:
    plain = ("root_x", "root_y", "root_z", "root_qw", "root_qx", "root_qy", "root_qz")
    made = figure()
    joints = (joint("root", 0, kind=JointKind.FREE), *made.joints[1:])
    columns = root_as(*plain) | below_root()
    matched = coordinates.from_qpos(dataclasses.replace(made, joints=joints), qpos_output(columns))
    np.testing.assert_allclose(matched.coordinates[:, :3], _stack(columns, plain[:3]))
    assert matched.sentences == ()


def _stack(columns: dict[str, np.ndarray], names: tuple[str, ...]) -> np.ndarray:
    return np.stack([columns[name] for name in names], axis=1)


def test_what_is_not_there_stays_at_its_reference() -> None:
    columns = {"hip_flex_r": np.arange(FRAMES) / 10, "elbow": np.ones(FRAMES)}
    matched = coordinates.from_qpos(figure(), qpos_output(columns))
    wanted = np.tile(REST, (FRAMES, 1))
    wanted[:, 7] = columns["hip_flex_r"]
    assert np.array_equal(matched.coordinates, wanted)
    assert matched.missing == (
        "free", "hip_abdu_r", "hip_arot_r", "patella_ty_r", "patella_rz_r", "shoulder_r",
    )  # fmt: skip
    assert matched.unused == ("elbow",)
    assert matched.sentences == (
        "qpos.parquet has no root, so the character stays in place, and says nothing of 5 of 7 "
        "joints, which stay at rest (hip_abdu_r, hip_arot_r, patella_ty_r, patella_rz_r, "
        "shoulder_r).",
        "figure does not know 1 of the names in qpos.parquet (elbow); they were left out.",
    )


def test_unknown_names_of_the_right_number_are_taken_in_order() -> None:
    columns = root_as(*EXACT) | below_root()
    renamed = {f"q{place}": column for place, column in enumerate(columns.values())}
    matched = coordinates.from_qpos(figure(), qpos_output(renamed))
    np.testing.assert_allclose(matched.coordinates, _stack(columns, tuple(columns)))
    assert len(matched.sentences) == 1
    assert "in the model's order" in matched.sentences[0]


def test_a_root_alone_is_no_match() -> None:
    renamed = {f"q{place}": column for place, column in enumerate(below_root().values())}
    columns = root_as("root_x", "root_y", "root_z", "root_qw", "root_qx", "root_qy", "root_qz")
    matched = coordinates.from_qpos(figure(), qpos_output(columns | renamed))
    assert "in the model's order" in matched.sentences[0]
    with pytest.raises(OutputError, match="7 columns for 16 coordinates"):
        coordinates.from_qpos(figure(), qpos_output(columns))


def test_rotations_are_made_unit_or_refused() -> None:
    columns = root_as(*EXACT) | below_root()
    near = {name: column * (0.97 if "_q" in name else 1.0) for name, column in columns.items()}
    matched = coordinates.from_qpos(figure(), qpos_output(near))
    np.testing.assert_allclose(matched.coordinates[:, 12:], TURNS, atol=1e-12)
    with pytest.raises(OutputError, match="unit length for the joint shoulder_r in frame 0"):
        coordinates.from_qpos(
            figure(), qpos_output(columns | {"shoulder_r_qw": np.full(FRAMES, 3.0)})
        )
    del columns["shoulder_r_qy"]
    with pytest.raises(OutputError, match="has shoulder_r_qw but no shoulder_r_qy"):
        coordinates.from_qpos(figure(), qpos_output(columns))


def test_a_ball_becomes_the_hinges_that_stand_for_it() -> None:
    made = figure()
    names = ("shoulder_abdu_r", "humerus_arot_r", "shoulder_flex_r")
    hinges = [joint(name, 3, axis) for name, axis in zip(names, (X, Y, Z), strict=True)]
    split = dataclasses.replace(made, joints=(*made.joints[:-1], *hinges))
    qpos = qpos_output(root_as(*EXACT) | below_root())
    matched = coordinates.from_qpos(split, qpos)
    assert (matched.missing, matched.unused) == ((), ())
    whole = coordinates.from_qpos(made, qpos).coordinates
    one, other = forward.poses(made, whole)[1], forward.poses(split, matched.coordinates)[1]
    assert angle_between(one, other).max() < 1e-7


ANGLES = np.linspace([0.1, -0.4, 0.3], [0.5, 0.2, -0.6], FRAMES)


def ball_of(found: coordinates.Matched) -> Rotation:
    return Rotation.from_quat(found.coordinates[:, [13, 14, 15, 12]])


def test_angles_by_name() -> None:
    names = ("shoulder_abdu_r", "humerus_arot_r", "shoulder_flex_r")
    output = npz_output({**dict(zip(names, ANGLES.T, strict=True)), "hip_flex_r": ANGLES[:, 0]})
    found = coordinates.from_angles(figure(), output, order="ZYX")
    assert (ball_of(found).inv() * Rotation.from_euler("XYZ", ANGLES)).magnitude().max() < 1e-12
    assert np.array_equal(found.coordinates[:, 7], ANGLES[:, 0])
    assert np.array_equal(found.coordinates[:, :7], np.tile(REST[:7], (FRAMES, 1)))
    assert found.missing == ("free", "hip_abdu_r", "hip_arot_r", "patella_ty_r", "patella_rz_r")
    assert len(found.sentences) == 1


@pytest.mark.parametrize("order", ORDERS)
def test_angles_of_a_ball_by_letter(order: str) -> None:
    columns = {f"shoulder_r_{letter}": ANGLES[:, place] for place, letter in enumerate("xyz")}
    found = coordinates.from_angles(figure(), npz_output(columns), order=order)
    wanted = Rotation.from_euler(order, ANGLES[:, ["XYZ".index(letter) for letter in order]])
    assert (ball_of(found).inv() * wanted).magnitude().max() < 1e-12


def test_degrees_are_for_angles_alone() -> None:
    output = npz_output({"hip_flex_r": np.full(3, 90.0), "patella_ty_r": np.full(3, 0.01)})
    found = coordinates.from_angles(figure(), output, degrees=True).coordinates
    np.testing.assert_allclose(found[:, 7], np.pi / 2)
    np.testing.assert_allclose(found[:, 10], 0.01)
    told = coordinates.from_angles(figure(), output).sentences
    assert "by 90 rad; if its angles are in degrees" in told[-1]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", ["shoulder_r", "humerus_r"])
def test_three_angles_of_a_ball(order: str, name: str) -> None:
    """By the joint's name or its body's."""
    found = coordinates.from_angles(figure(), npz_output({name: ANGLES}), order=order)
    wanted = Rotation.from_euler(order, ANGLES)
    assert (ball_of(found).inv() * wanted).magnitude().max() < 1e-12


def test_three_angles_of_a_body_with_three_hinges() -> None:
    """Where the order is that of the hinges, the angles are theirs; else the rotation is."""
    found = coordinates.from_angles(figure(), npz_output({"femur_r": ANGLES}), order="ZXY")
    np.testing.assert_allclose(found.coordinates[:, 7:10], ANGLES, atol=1e-12)
    other = coordinates.from_angles(figure(), npz_output({"femur_r": ANGLES}), order="XYZ")
    made = Rotation.from_euler("ZXY", other.coordinates[:, 7:10])
    assert (made.inv() * Rotation.from_euler("XYZ", ANGLES)).magnitude().max() < 1e-9


def test_three_angles_of_a_hinge_are_its_own_part() -> None:
    pure = np.zeros((FRAMES, 3))
    pure[:, 2] = ANGLES[:, 0]
    found = coordinates.from_angles(figure(), npz_output({"hip_flex_r": pure, "patella_r": pure}))
    np.testing.assert_allclose(found.coordinates[:, 7], ANGLES[:, 0], atol=1e-12)
    # A rotation counts from rest, a coordinate from its zero.
    np.testing.assert_allclose(found.coordinates[:, 11], ANGLES[:, 0] + 0.25, atol=1e-12)
    assert np.array_equal(found.coordinates[:, 8:10], np.zeros((FRAMES, 2)))


def test_a_joint_named_and_its_body_too() -> None:
    """What is said of the joint holds; the body's other hinges take what is said of the body."""
    output = npz_output({"femur_r": ANGLES, "hip_flex_r": ANGLES * [0, 0, 1]})
    found = coordinates.from_angles(figure(), output).coordinates
    np.testing.assert_allclose(found[:, 7], ANGLES[:, 2], atol=1e-12)
    assert np.abs(found[:, 8]).max() > 0.05


def test_three_angles_of_a_root_are_left_out() -> None:
    found = coordinates.from_angles(figure(), npz_output({"pelvis": ANGLES, "humerus_r": ANGLES}))
    assert found.unused == ("pelvis",)
    assert np.array_equal(found.coordinates[:, :7], np.tile(REST[:7], (FRAMES, 1)))


def test_files_of_another_character() -> None:
    for output in (npz_output({"jaw": ANGLES}), npz_output({"jaw": ANGLES[:, 0]})):
        with pytest.raises(OutputError, match="names no joint of figure"):
            coordinates.from_angles(figure(), output)


@pytest.mark.parametrize("order", ["xyz", "XYX", "XY", "", "ABC"])
def test_orders_that_are_none(order: str) -> None:
    with pytest.raises(InputError, match="are not known"):
        coordinates.from_angles(figure(), npz_output({"hip_flex_r": ANGLES[:, 0]}), order=order)


def test_times() -> None:
    output = npz_output({"a": np.zeros(4)}, {"FPS": 50})
    np.testing.assert_allclose(coordinates.times_of(output), [0.0, 0.02, 0.04, 0.06])
    np.testing.assert_allclose(coordinates.times_of(output, 100.0), [0.0, 0.01, 0.02, 0.03])
    for rate in (None, 0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="give the rate"):
            coordinates.times_of(npz_output({"a": np.zeros(4)}), rate)


def test_coordinates_are_poses() -> None:
    """What is matched is what forward kinematics takes."""
    motions: list[Callable[[], coordinates.Matched]] = [
        lambda: coordinates.from_qpos(figure(), qpos_output(root_as(*EXACT) | below_root())),
        lambda: coordinates.from_angles(figure(), npz_output({"femur_r": ANGLES})),
    ]
    for matched in motions:
        made = forward.motion(figure(), matched().coordinates, np.arange(FRAMES) / 100.0)
        assert made.frame_count == FRAMES
