# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of every kind, sampled and composed: scipy is the oracle."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline
from scipy.spatial.transform import Rotation, Slerp

from myosapiens_addon.errors import OutputError
from myosapiens_addon.motion import glb
from myosapiens_addon.motion.motion import Motion
from tests.helpers.glb_writer import Odd, f4

# What stands on nothing is turned from Y up to Z up.
Z_UP = Rotation.from_euler("x", 90, degrees=True)
RNG = np.random.default_rng(5)


def rotations_of(motion: Motion, body: int) -> Rotation:
    """In the axes of the file."""
    return Z_UP.inv() * Rotation.from_quat(motion.rotations[:, body][:, [1, 2, 3, 0]])


def positions_of(motion: Motion, body: int) -> np.ndarray:
    return Z_UP.inv().apply(motion.positions[:, body])


def farthest(found: Rotation, wanted: Rotation) -> float:
    return float((found.inv() * wanted).magnitude().max())


def wandering(count: int, pace: float) -> Rotation:
    return Rotation.from_rotvec(np.sin(np.linspace(0, pace, count)[:, None] + [0.3, 1.1, 2.0]))


def test_steps_hold_until_the_next_key(tmp_path: Path) -> None:
    file = Odd([{"name": "a"}])
    file.move(0, "translation", file.add(f4([0, 1, 2])), file.add(f4(np.eye(3))), "STEP")
    file.move(0, "rotation", file.add(f4([0, 0.5, 2])), file.add(f4([[0, 0, 0, 1]] * 3)))
    motion = glb.read(file.save(tmp_path / "m.glb"))
    np.testing.assert_allclose(motion.times, [0, 0.5, 1, 2])
    np.testing.assert_allclose(positions_of(motion, 0), np.eye(3)[[0, 0, 1, 2]], atol=1e-7)


def test_splines_equal_hermite_splines_at_and_between_their_keys(tmp_path: Path) -> None:
    file = Odd([{"name": "a"}])
    times = np.sort(RNG.uniform(0, 3, 7))
    where, slopes_in, slopes_out = RNG.normal(size=(3, 7, 3))
    turns = wandering(7, 4.0).as_quat()
    rates_in, rates_out = RNG.normal(size=(2, 7, 4))
    for path, values, before, after in (
        ("translation", where, slopes_in, slopes_out),
        ("rotation", turns, rates_in, rates_out),
    ):
        keys = np.stack([before, values, after], axis=1).reshape(21, -1)
        file.move(0, path, file.add(f4(times)), file.add(f4(keys)), "CUBICSPLINE")
    # Something else has a key every tenth of a second.
    other = np.linspace(0, 3, 31)
    file.document["nodes"].append({"name": "b"})
    file.move(1, "translation", file.add(f4(other)), file.add(f4(np.zeros((31, 3)))))
    motion = glb.read(file.save(tmp_path / "m.glb"))
    moments = np.unique(np.concatenate([f4(times), f4(other)])).astype(np.float64)
    np.testing.assert_allclose(motion.times, moments - moments[0])

    def splined(values: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        found = np.empty((len(moments), values.shape[1]))
        stops = f4(times).astype(np.float64)
        for row, moment in enumerate(np.clip(moments, stops[0], stops[-1])):
            k = int(np.clip(np.searchsorted(stops, moment, side="right") - 1, 0, 5))
            piece = CubicHermiteSpline(
                stops[k : k + 2], values[k : k + 2], [after[k], before[k + 1]]
            )
            found[row] = piece(moment)
        return found

    wanted = splined(where, slopes_in, slopes_out)
    np.testing.assert_allclose(positions_of(motion, 0), wanted, atol=1e-5)
    turned = Rotation.from_quat(splined(turns, rates_in, rates_out))
    assert farthest(rotations_of(motion, 0), turned) < 1e-5


@pytest.mark.parametrize(("kind", "largest"), [("i1", 127), ("i2", 32767)])
def test_rotations_in_integers_are_made_unit(tmp_path: Path, kind: str, largest: int) -> None:
    turns = wandering(300, 9.0)
    stored = np.round(turns.as_quat() * largest).astype(kind)
    lengths = np.linalg.norm(stored / largest, axis=1)
    assert kind == "i2" or np.abs(lengths - 1).max() > 1e-3
    file = Odd([{"name": "a"}])
    times = file.add(f4(np.arange(300) / 100))
    file.move(0, "rotation", times, file.add(stored, normalized=True))
    motion = glb.read(file.save(tmp_path / "m.glb"))
    np.testing.assert_allclose(np.linalg.norm(motion.rotations, axis=-1), 1.0, atol=1e-14)
    assert farthest(rotations_of(motion, 0), Rotation.from_quat(stored.astype(float))) < 1e-6
    assert farthest(rotations_of(motion, 0), turns) < 2.0 / largest


def test_rotations_in_unsigned_integers_reach_half_of_all_turns(tmp_path: Path) -> None:
    file = Odd([{"name": "a"}])
    stored = np.array([[0, 0, 0, 255], [0, 180, 0, 180], [255, 0, 0, 0]], np.uint8)
    file.move(0, "rotation", file.add(f4([0, 1, 2])), file.add(stored, normalized=True))
    found = rotations_of(glb.read(file.save(tmp_path / "m.glb")), 0)
    assert farthest(found, Rotation.from_quat(stored.astype(float))) < 1e-6


@pytest.mark.parametrize(
    ("path", "stored", "normalized"),
    [
        ("rotation", np.array([[0, 0, 0, 1]] * 2, np.int16), False),
        ("rotation", np.array([[0, 0, 0, 0]] * 2, np.int8), True),
        ("rotation", np.array([[100, 0, 0, 0]] * 2, np.int8), True),
        ("translation", np.array([[1, 2, 3]] * 2, np.int16), True),
        ("rotation", f4([[0, 0, 0, 1], [0, 0, 0, 1.002]]), False),
        ("rotation", f4([[0, 0, 0, 1], [0, 0, 0, 0]]), False),
        ("rotation", f4([[0, 0, 0, 1], [np.nan, 0, 0, 1]]), False),
        ("rotation", f4([[0, 0, 0, 1], [0, 0, np.inf, 1]]), False),
        ("translation", f4([[0, 0, 0], [0, np.nan, 0]]), False),
        ("translation", f4([[0, 0, 0], [0, -np.inf, 0]]), False),
    ],
)
@pytest.mark.parametrize("interpolated", [False, True])
def test_values_that_are_no_pose_are_refused(
    tmp_path: Path, path: str, stored: np.ndarray, normalized: bool, interpolated: bool
) -> None:
    file = Odd([{"name": "a", "children": [1]}, {"name": "b"}])
    file.move(0, path, file.add(f4([0, 1])), file.add(stored, normalized=normalized))
    if interpolated:
        file.move(1, "translation", file.add(f4([0, 0.5, 1])), file.add(f4(np.eye(3))))
    with pytest.raises(OutputError):
        glb.read(file.save(tmp_path / "m.glb"))


def test_values_may_stand_apart(tmp_path: Path) -> None:
    file = Odd([{"name": "a"}])
    where = f4(RNG.normal(size=(9, 3)))
    file.move(0, "translation", file.add(f4(np.arange(9)), gap=8), file.add(where, gap=4))
    motion = glb.read(file.save(tmp_path / "m.glb"))
    np.testing.assert_allclose(positions_of(motion, 0), where, atol=1e-6)


class Figure:
    """Five bodies in two branches over a long take; one only turns, one slides, one stands."""

    def __init__(self, frames: int) -> None:
        self.times = f4(np.arange(frames) / 100)
        self.turns = [wandering(frames, 3.0 * k + 2.0) for k in range(4)]
        self.root = np.cumsum(RNG.normal(size=(frames, 3)) * 1e-3, axis=0)
        self.slide = np.stack([np.sin(self.times), 0 * self.times, 0.2 + 0 * self.times], -1)
        self.rigid = Rotation.from_euler("xyz", [10, 20, 30], degrees=True)

    def file(self) -> Odd:
        file = Odd(
            [
                {"name": "root", "children": [1, 4]},
                {"name": "thigh", "translation": [0.1, 0.2, 0.3], "children": [2]},
                {"name": "shank", "translation": [0, -0.4, 0], "children": [3]},
                {"name": "foot", "translation": [0, -0.4, 0.1], "rotation": self.rigid_xyzw()},
                {"name": "arm", "children": [5]},
                {"name": "hand", "translation": [0, -0.3, 0]},
            ]
        )
        for node, turn in zip((0, 1, 2, 4), self.turns, strict=True):
            file.move(node, "rotation", file.add(self.times), file.add(f4(turn.as_quat())))
        for node, where in ((0, self.root), (4, self.slide)):
            file.move(node, "translation", file.add(self.times), file.add(f4(where)))
        # As most channels of the service: keys that say what is so at rest.
        still = np.tile(f4([0.1, 0.2, 0.3]), (len(self.times), 1))
        file.move(1, "translation", file.add(self.times), file.add(still))
        return file

    def rigid_xyzw(self) -> list[float]:
        return self.rigid.as_quat().tolist()

    def poses(self) -> dict[str, tuple[np.ndarray, Rotation]]:
        root, thigh, shank, arm = self.turns
        thigh, arm = root * thigh, root * arm
        shank = thigh * shank
        hip = self.root + root.apply([0.1, 0.2, 0.3])
        knee = hip + thigh.apply([0, -0.4, 0])
        shoulder = self.root + root.apply(self.slide)
        return {
            "root": (self.root, root),
            "thigh": (hip, thigh),
            "shank": (knee, shank),
            "foot": (knee + shank.apply([0, -0.4, 0.1]), shank * self.rigid),
            "arm": (shoulder, arm),
            "hand": (shoulder + arm.apply([0, -0.3, 0]), arm),
        }


@pytest.mark.parametrize("frames", [1, 7, 2047, 2048, 2049, 5000])
def test_long_takes_are_composed_in_pieces_that_fit(tmp_path: Path, frames: int) -> None:
    figure = Figure(frames)
    motion = glb.read(figure.file().save(tmp_path / "m.glb"))
    assert motion.names == ("root", "thigh", "shank", "foot", "arm", "hand")
    for body, (where, turn) in enumerate(figure.poses().values()):
        np.testing.assert_allclose(positions_of(motion, body), where, atol=2e-6)
        assert farthest(rotations_of(motion, body), turn) < 2e-6
    rest = Z_UP.inv().apply(motion.rest_positions)
    np.testing.assert_allclose(rest[3], [0.1, -0.6, 0.4], atol=1e-12)
    np.testing.assert_allclose(rest[4], 0.0, atol=1e-12)


def test_keys_at_other_times_are_interpolated_in_long_takes(tmp_path: Path) -> None:
    figure = Figure(5000)
    file = figure.file()
    seldom = f4(np.linspace(0.005, 49.0, 311))
    coarse = wandering(311, 20.0)
    file.move(5, "rotation", file.add(seldom), file.add(f4(coarse.as_quat())))
    motion = glb.read(file.save(tmp_path / "m.glb"))
    moments = np.unique(np.concatenate([figure.times, seldom])).astype(np.float64)
    assert motion.frame_count == len(moments)
    # Where the others have keys, they are where they were.
    rows = np.searchsorted(moments, figure.times.astype(np.float64))
    then = dataclasses.replace(
        motion,
        times=motion.times[rows],
        positions=motion.positions[rows],
        rotations=motion.rotations[rows],
    )
    arm = figure.poses()["arm"][1]
    assert farthest(rotations_of(then, 4), arm) < 2e-6
    held = np.clip(figure.times, seldom[0], seldom[-1]).astype(np.float64)
    hand = Slerp(seldom.astype(np.float64), coarse)(held)
    assert farthest(rotations_of(then, 5), arm * hand) < 2e-6


def test_keys_that_hold_something_else_than_the_rest_pose_count(tmp_path: Path) -> None:
    file = Odd([{"name": "a", "translation": [1, 0, 0], "children": [1]}, {"name": "b"}])
    times = file.add(f4([0, 1, 2]))
    file.move(0, "translation", times, file.add(f4([[0, 0, 5]] * 3)))
    file.move(1, "rotation", times, file.add(f4([[1, 0, 0, 0]] * 3)))
    motion = glb.read(file.save(tmp_path / "m.glb"))
    np.testing.assert_allclose(positions_of(motion, 0), [[0, 0, 5]] * 3, atol=1e-12)
    assert farthest(rotations_of(motion, 1), Rotation.from_quat([[1, 0, 0, 0]] * 3)) < 1e-12
    rest = Z_UP.inv().apply(motion.rest_positions[0])
    np.testing.assert_allclose(rest, [1, 0, 0], atol=1e-12)


def test_bodies_that_do_not_move_against_their_parents_follow_them(tmp_path: Path) -> None:
    file = Odd(
        [
            {"name": "a", "children": [1]},
            {"name": "b", "translation": [0, 1, 0], "children": [2]},
            {"name": "c", "translation": [2, 0, 0]},
        ]
    )
    times = f4(np.arange(50) / 50)
    turns = wandering(50, 3.0)
    file.move(0, "rotation", file.add(times), file.add(f4(turns.as_quat())))
    for node, rest in ((1, [0, 1, 0]), (2, [2, 0, 0])):
        file.move(node, "translation", file.add(times), file.add(f4([rest] * 50)))
        file.move(node, "rotation", file.add(times), file.add(f4([[0, 0, 0, 1]] * 50)))
    motion = glb.read(file.save(tmp_path / "m.glb"))
    assert np.array_equal(motion.rotations[:, 2], motion.rotations[:, 0])
    np.testing.assert_allclose(positions_of(motion, 2), turns.apply([2, 1, 0]), atol=1e-6)


def chain(frames: int, count: int, spoilt: dict[int, np.ndarray]) -> tuple[Odd, list[Rotation]]:
    """Bodies one upon the other, each with turns of its own; some with keys of another kind."""
    file = Odd([{"name": f"body {k}", "children": [k + 1]} for k in range(count - 1)])
    file.document["nodes"].append({"name": f"body {count - 1}"})
    turns = [wandering(frames, 2.0 + 0.3 * body) for body in range(count)]
    for body, turn in enumerate(turns):
        keys = spoilt.get(body, f4(turn.as_quat()))
        stored = file.add(keys, normalized=keys.dtype.kind != "f")
        file.move(body, "rotation", file.add(f4(np.arange(frames) / 100)), stored)
    return file, turns


@pytest.mark.parametrize("frames", [40, 500, 1500])
def test_a_short_take_of_many_joints_is_composed_as_a_long_one(tmp_path: Path, frames: int) -> None:
    file, turns = chain(frames, 31, {})
    motion = glb.read(file.save(tmp_path / "m.glb"))
    wanted = Rotation.identity(frames)
    for body, turn in enumerate(turns):
        wanted = wanted * turn
        assert farthest(rotations_of(motion, body), wanted) < 1e-5
    lengths = np.linalg.norm(motion.rotations, axis=-1)
    np.testing.assert_allclose(lengths, 1.0, rtol=0, atol=1e-13)


# Both are of length 1.0022: as bytes that is as near to 1 as they come, as floats it is not.
COARSE = np.array([[90, 0, 0, 90]] * 50, np.int8)
LONG = f4(COARSE / 127)


def test_keys_of_bytes_may_be_coarse(tmp_path: Path) -> None:
    file, _ = chain(50, 4, {1: COARSE})
    lengths = np.linalg.norm(glb.read(file.save(tmp_path / "m.glb")).rotations, axis=-1)
    np.testing.assert_allclose(lengths, 1.0, rtol=0, atol=1e-14)


@pytest.mark.parametrize("others", [{}, {0: COARSE}, {1: COARSE}, {3: LONG}])
def test_the_first_joint_whose_keys_are_none_is_named(
    tmp_path: Path, others: dict[int, np.ndarray]
) -> None:
    file, _ = chain(50, 4, {2: LONG, **others})
    with pytest.raises(OutputError, match="a rotation of the node 'body 2' is not of unit length"):
        glb.read(file.save(tmp_path / "m.glb"))
