# SPDX-License-Identifier: GPL-3.0-or-later
"""A small take in every format, each kind of file maybe of a take of its own, and what came of it.

The takes are worked out in matrices, apart from the product.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from myosapiens_addon.errors import InputError
from myosapiens_addon.motion import parquet
from myosapiens_addon.motion.character import Character
from myosapiens_addon.motion.decoding import Decoded
from myosapiens_addon.motion.joint_angles import JointAngles
from tests.helpers import solved
from tests.helpers.forward import matrix
from tests.helpers.motions import FACING, IDENTITY, NAMES, OFFSETS, PARENTS
from tests.helpers.solved import Solved

GLB, QPOS, NPZ, XPOS = "motion.glb", "qpos.parquet", "output.npz", "xpos.parquet"
ALL = (GLB, QPOS, NPZ, XPOS)
TAKE = solved.take()
# Of the same subject, by the file that tells of it.
OTHERS = {name: solved.take(seed=seed) for seed, name in enumerate(ALL, start=20)}


def write(folder: Path, name: str, take: Solved) -> Path:
    writers = {
        GLB: take.write_glb, QPOS: take.write_qpos, NPZ: take.write_npz, XPOS: take.write_xpos
    }  # fmt: skip
    return writers[name](folder / name)


def job(folder: Path, *names: str, take: Solved = TAKE) -> list[Path]:
    return [write(folder, name, take) for name in names]


def cut(path: Path, end: int = -20) -> Path:
    path.write_bytes(path.read_bytes()[:end])
    return path


def bodies(title: str = "Anna") -> Character:
    """What an armature tells that holds no definitions of joints."""
    rotations = np.tile(IDENTITY, (len(NAMES), 1))
    rotations[NAMES.index("pelvis")] = FACING
    return Character(
        title=title, names=NAMES, parents=PARENTS, positions=np.array(OFFSETS, float),
        rotations=rotations, joints=(),
    )  # fmt: skip


def moves_as(found: Decoded, take: Solved) -> None:
    """Whether every body is where it was, turned as it was, in every frame, at its moment."""
    positions, rotations = take.poses()
    rows = [NAMES.index(name) for name in found.motion.names]
    assert sorted(rows) == list(range(len(NAMES)))
    np.testing.assert_allclose(found.motion.times, take.times, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.motion.positions, positions[:, rows], rtol=0, atol=1e-6)
    turned = matrix(found.motion.rotations)
    np.testing.assert_allclose(turned, rotations[:, rows], rtol=0, atol=1e-6)


def without_pyarrow(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """A build of the extension without it, or with one that does not start."""
    if how == "missing":
        monkeypatch.setattr(parquet, "available", lambda: False)
    else:

        def refuse(part: str) -> None:
            raise InputError(parquet.MISSING.format(why=f" in working order ({part})"))

        monkeypatch.setattr(parquet, "load", refuse)


EVERY_ANGLE = {*solved.HINGES, *solved.SHOULDER_ANGLES}


def check_angles(found: JointAngles | None, take: Solved, times: np.ndarray) -> None:
    """Whether every joint has its angle in every frame, and nothing else has one."""
    assert found is not None
    np.testing.assert_allclose(found.times, times, rtol=0, atol=1e-6)
    assert set(found.names) - EVERY_ANGLE <= {solved.PATELLA[1]}
    for name, wanted in take.angles().items():
        got = found.values[:, found.names.index(name)]
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-6)
