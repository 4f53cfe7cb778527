# SPDX-License-Identifier: GPL-3.0-or-later
"""One take of a small character in every format of the service, and where its bodies were.

The character has the bodies of `motions.py` and joints with the names of the service's own, one
of every kind. Where bodies are is worked out here in matrices, apart from the product.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from myosapiens_addon.motion import quaternion
from myosapiens_addon.motion.motion import Motion
from tests.helpers import mesh_glbs
from tests.helpers.forward import matrix
from tests.helpers.motions import FACING, IDENTITY, NAMES, OFFSETS, PARENTS

Array = np.ndarray
RATE_HZ = 120.0
ROOT, SHOULDER = "myosapiens_root", "shoulder_r"
SHOULDER_ANGLES = ("shoulder_abdu_r", "humerus_arot_r", "shoulder_flex_r")
MASS = '<inertial pos="0 0 0" mass="1" diaginertia="1 1 1"/>'
PATELLA = ("patella_ty_r", "patella_rz_r")


@dataclass(frozen=True, kw_only=True)
class Joint:
    """A joint, as MuJoCo reads it: axis and anchor in the body's axes, rad and m."""

    name: str
    body: str
    axis: tuple[float, float, float] = (0.0, 0.0, 1.0)
    kind: str = "hinge"
    anchor: tuple[float, float, float] = (0.0, 0.0, 0.0)
    reference: float = 0.0
    limits: tuple[float, float] | None = None

    @property
    def tag(self) -> str:
        """Its element in a definition."""
        if self.kind == "free":
            return f'<freejoint name="{self.name}"/>'
        limits = "" if self.limits is None else f' range="{_words(self.limits)}"'
        return (
            f'<joint name="{self.name}" type="{self.kind}" axis="{_words(self.axis)}" '
            f'pos="{_words(self.anchor)}" ref="{self.reference}"{limits}/>'
        )


JOINTS = (
    Joint(name=ROOT, body="root", kind="free"),
    Joint(name="l1_l2_flex", body="lumbar_spine_1"),
    Joint(name="t12_l1_bend", body="thoracic_spine", axis=(1, 0, 0)),
    Joint(name="occ_c1_arot", body="skull", axis=(0, 1, 0)),
    Joint(name=SHOULDER, body="humerus_r", kind="ball"),
    Joint(name="elbow_flex_r", body="ulna_r", axis=(0.226, 0.022, 0.974), limits=(-1.0, 2.5)),
    Joint(name="wrist_pron_r", body="radius_r", axis=(-0.017, 0.993, -0.119)),
    Joint(name="wrist_flex_r", body="lunate_r", axis=(1, 0, 0)),
    Joint(name="hip_flex_r", body="femur_r", limits=(-1.0, 2.0)),
    Joint(name="hip_abdu_r", body="femur_r", axis=(1, 0, 0), limits=(-1.0, 1.0)),
    Joint(name="hip_arot_r", body="femur_r", axis=(0, 1, 0), limits=(-1.0, 1.0)),
    Joint(name="knee_flex_r", body="tibia_r", axis=(0, 0, -1), limits=(-1.0, 2.5)),
    Joint(name=PATELLA[0], body="patella_r", axis=(0, 1, 0), kind="slide", reference=-0.018),
    Joint(name=PATELLA[1], body="patella_r", anchor=(0.01, 0.02, 0.003), reference=0.25),
    Joint(name="ankle_flex_r", body="talus_r", axis=(-0.105, -0.174, 0.979)),
    Joint(name="mtp_flex_r", body="toes_r", axis=(-0.581, 0, 0.814)),
    Joint(name="hip_flex_l", body="femur_l"),
    Joint(name="hip_abdu_l", body="femur_l", axis=(-1, 0, 0)),
    Joint(name="knee_flex_l", body="tibia_l", axis=(0, 0, -1)),
)
HINGES = tuple(
    joint.name for joint in JOINTS if joint.kind == "hinge" and joint.name not in PATELLA
)


def _words(values: Iterable[float]) -> str:
    return " ".join(repr(float(value)) for value in values)


def larger(factor: float, *bodies: str) -> Array:
    """Offsets of another subject: some bodies further from their parents."""
    offsets = np.array(OFFSETS, float)
    offsets[[NAMES.index(body) for body in bodies]] *= factor
    return offsets


def definition(offsets: Array = OFFSETS, *, joints: Iterable[Joint] = JOINTS) -> str:
    """The character's MJCF."""
    tags: dict[str, str] = {}
    for joint in joints:
        tags[joint.body] = tags.get(joint.body, "") + joint.tag

    def element(index: int) -> str:
        name = NAMES[index]
        turn = f' quat="{_words(FACING)}"' if name == "pelvis" else ""
        children = [child for child, above in enumerate(PARENTS.tolist()) if above == index]
        inside = "".join(element(child) for child in children)
        return (
            f'<body name="{name}" pos="{_words(offsets[index])}"{turn}>{MASS}'
            f"{tags.get(name, '')}{inside}</body>"
        )

    return (
        f'<mujoco model="small"><compiler angle="radian"/>'
        f"<worldbody>{element(0)}</worldbody></mujoco>"
    )


def write_model(path: Path, offsets: Array = OFFSETS, *, joints: Iterable[Joint] = JOINTS) -> Path:
    path.write_text(definition(offsets, joints=joints), encoding="utf-8")
    return path


def about(axis: Iterable[float], angles: Array) -> Array:
    """(F, 3, 3) turns about an axis, by Rodrigues' formula."""
    x, y, z = np.array(list(axis), float) / np.linalg.norm(list(axis))
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angles = np.asarray(angles, float)[:, None, None]
    return np.eye(3) + np.sin(angles) * cross + (1 - np.cos(angles)) * cross @ cross


@dataclass(frozen=True, kw_only=True, eq=False)
class Solved:
    """A take: the coordinates of joints over time.

    Attributes:
        values: joint → (F,) rad or m; the root's is (F, 7), its shoulder's three angles (F, 3).
        offsets: the subject's lengths.
        rate_hz: frames per second.
    """

    values: Mapping[str, Array]
    offsets: Array
    rate_hz: float = RATE_HZ

    @property
    def times(self) -> Array:
        return np.arange(len(self.values[ROOT])) / self.rate_hz

    def poses(self) -> tuple[Array, Array]:
        """World positions (F, B, 3) and rotation matrices (F, B, 3, 3) of the bodies."""
        frames = len(self.times)
        places = np.empty((frames, len(NAMES), 3))
        turns = np.empty((frames, len(NAMES), 3, 3))
        for body, name in enumerate(NAMES):
            above = int(PARENTS[body])
            place = np.broadcast_to(self.offsets[body], (frames, 3))
            turn = np.broadcast_to(matrix(FACING if name == "pelvis" else IDENTITY), (frames, 3, 3))
            if above >= 0:
                place = places[:, above] + _turned(turns[:, above], place)
                turn = turns[:, above] @ turn
            for joint in JOINTS:
                if joint.body == name:
                    place, turn = self._moved(joint, place, turn)
            places[:, body], turns[:, body] = place, turn
        return places, turns

    def _moved(self, joint: Joint, place: Array, turn: Array) -> tuple[Array, Array]:
        value = self.values[joint.name]
        if joint.kind == "free":
            return value[:, :3], matrix(value[:, 3:])
        if joint.kind == "slide":
            axis = np.array(joint.axis) / np.linalg.norm(joint.axis)
            return place + _turned(turn, (value - joint.reference)[:, None] * axis), turn
        if joint.kind == "ball":
            return place, turn @ self.shoulder()
        anchor = np.array(joint.anchor)
        fixed = place + _turned(turn, anchor)
        turn = turn @ about(joint.axis, value - joint.reference)
        return fixed - _turned(turn, anchor), turn

    def shoulder(self) -> Array:
        """(F, 3, 3): the three angles turn about X, then Y, then Z as turned."""
        by_x, by_y, by_z = self.values[SHOULDER].T
        return about((1, 0, 0), by_x) @ about((0, 1, 0), by_y) @ about((0, 0, 1), by_z)

    def motion(self) -> Motion:
        """The same as the product holds motions."""
        places, turns = self.poses()
        still = at_rest(offsets=self.offsets).poses()
        return Motion(
            names=NAMES,
            parents=PARENTS,
            rest_positions=still[0][0],
            rest_rotations=quaternion.from_matrix(still[1][0]),
            times=self.times,
            positions=places,
            rotations=quaternion.from_matrix(turns),
        )

    def angles_only(self) -> Solved:
        """What `output.npz` has of it: no root, no kneecap."""
        still = at_rest(frames=len(self.times), offsets=self.offsets)
        kept = {name: self.values[name] for name in (*HINGES, SHOULDER)}
        return Solved(values={**still.values, **kept}, offsets=self.offsets, rate_hz=self.rate_hz)

    def angles(self) -> dict[str, Array]:
        """The angles by name, in rad, as `output.npz` has them."""
        found = {name: self.values[name] for name in HINGES}
        return found | dict(zip(SHOULDER_ANGLES, self.values[SHOULDER].T, strict=True))

    # Files

    def write_qpos(self, path: Path) -> Path:
        columns: dict[str, Array] = {"time": self.times}
        turns = {SHOULDER: quaternion.from_matrix(self.shoulder()), ROOT: self.values[ROOT]}
        for joint in JOINTS:
            wide = turns.get(joint.name, self.values[joint.name].reshape(len(self.times), -1))
            ends = {7: ("_tx", "_ty", "_tz", "_qw", "_qx", "_qy", "_qz"), 1: ("",)}
            for end, column in zip(
                ends.get(wide.shape[1], ("_qw", "_qx", "_qy", "_qz")), wide.T, strict=True
            ):
                columns[joint.name + end] = column
        return _write_parquet(path, columns)

    def write_xpos(self, path: Path, *, off_m: Mapping[str, float] | None = None) -> Path:
        """Body origins; some of them further up than they were."""
        columns: dict[str, Array] = {"time": self.times}
        places = self.poses()[0]
        for body, name in enumerate(NAMES):
            for axis, letter in enumerate("xyz"):
                more = (off_m or {}).get(name, 0.0) if letter == "z" else 0.0
                columns[f"{name}_{letter}"] = places[:, body, axis] + more
        return _write_parquet(path, columns)

    def write_npz(self, path: Path, *, degrees: bool = False) -> Path:
        found = self.angles()
        table = np.stack(list(found.values()), axis=1)
        table = np.degrees(table) if degrees else table
        np.savez(path, joint_angles=table, joint_names=np.array(list(found)))
        return path

    def write_glb(self, path: Path, *, meshes: bool = False, told_hz: float | None = None) -> Path:
        """`told_hz` is what its times say instead of the truth."""
        told = Solved(values=self.values, offsets=self.offsets, rate_hz=told_hz or self.rate_hz)
        return mesh_glbs.figure(told.motion(), meshes=meshes).write(path)


def _turned(turn: Array, vectors: Array) -> Array:
    return np.einsum("fij,fj->fi", turn, np.broadcast_to(vectors, (len(turn), 3)))


def _write_parquet(path: Path, columns: Mapping[str, Array]) -> Path:
    reason = "pyarrow is not in this Python"
    arrow = pytest.importorskip("pyarrow", reason=reason)
    parquet = pytest.importorskip("pyarrow.parquet", reason=reason)
    parquet.write_table(arrow.table(dict(columns)), path)
    return path


def at_rest(*, frames: int = 1, offsets: Array = OFFSETS) -> Solved:
    """Every coordinate at its reference."""
    values: dict[str, Array] = {joint.name: np.full(frames, joint.reference) for joint in JOINTS}
    values[ROOT] = np.tile([*offsets[0], *IDENTITY], (frames, 1))
    values[SHOULDER] = np.zeros((frames, 3))
    return Solved(values=values, offsets=np.asarray(offsets, float))


def take(
    *, frames: int = 31, offsets: Array = OFFSETS, seed: int = 11, size: float = 0.5
) -> Solved:
    """A take in which every joint moves, the root walks off turning, the kneecap slides.

    `size` is how far joints turn at most from their references, in rad.
    """
    rng = np.random.default_rng(seed)
    times = np.arange(frames) / RATE_HZ

    def wave() -> Array:
        return np.sin(rng.uniform(8, 14) * times + rng.uniform(0, 6))

    values = {joint.name: joint.reference + size * wave() for joint in JOINTS}
    values[PATELLA[0]] = -0.018 + 0.01 * wave()
    values[SHOULDER] = size * np.stack([wave(), wave(), wave()], axis=1)
    heading = 0.4 * wave()
    root = np.zeros((frames, 7))
    root[:, :3] = offsets[0] + np.stack([0.3 * times, -1.2 * times, 0.02 * wave()], axis=1)
    root[:, 3], root[:, 6] = np.cos(heading / 2), np.sin(heading / 2)
    values[ROOT] = root
    return Solved(values=values, offsets=np.asarray(offsets, float))
