# SPDX-License-Identifier: GPL-3.0-or-later
"""The GLB decoder: exact on a real file, right on made ones, one sentence on broken ones."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from myosapiens_addon.errors import OutputError
from myosapiens_addon.motion import glb
from myosapiens_addon.motion.quaternion import angle_between
from tests.helpers.glb_writer import parts, rewritten, write_glb

TIMES = np.arange(5) / 100.0
Y_UP = [-np.sqrt(0.5), 0.0, 0.0, np.sqrt(0.5)]


def turning(axis: str) -> np.ndarray:
    return Rotation.from_euler(axis, np.linspace(0, 1, 5)[:, None]).as_quat()


def two_bodies(path: Path) -> Path:
    nodes = [
        {"name": "world", "children": [1, 4]},
        {"name": "pelvis", "translation": [0.0, 0.0, 1.0], "children": [2]},
        {"name": "femur_r", "translation": [0.1, 0.0, -0.1], "children": [3, 5]},
        {"name": "femur_r_geom_0"},
        {"name": "mocap_LASI"},
        {"name": "tibia_r", "translation": [0.0, 0.0, -0.4]},
        {"name": "Scene", "rotation": Y_UP, "children": [0]},
    ]
    return write_glb(
        path,
        nodes,
        [
            (1, "translation", TIMES, np.linspace([0, 0, 1], [1, 0, 1], 5)),
            (1, "rotation", TIMES, turning("z")),
            (2, "rotation", TIMES, turning("x")),
        ],
    )


def test_real_file_equals_the_golden_poses(walk: Path) -> None:
    motion = glb.read(walk / "motion_nomesh.glb")
    names = json.loads((walk / "body_names.json").read_text())
    rows = [names.index(name) for name in motion.names]
    assert set(names) - set(motion.names) == {"world"}
    positions = np.load(walk / "golden_xpos.npy")[:, rows]
    rotations = np.load(walk / "golden_xquat.npy")[:, rows]
    assert np.abs(motion.positions - positions).max() < 1.4e-7
    assert np.degrees(angle_between(motion.rotations, rotations)).max() < 6e-6
    assert motion.rate_hz == pytest.approx(120.0, abs=1e-3)


def test_bodies_are_what_moves_and_what_hangs_on_it(tmp_path: Path) -> None:
    motion = glb.read(two_bodies(tmp_path / "motion.glb"))
    assert motion.names == ("pelvis", "femur_r", "tibia_r")
    assert motion.parents.tolist() == [-1, 0, 1]


def test_poses_are_composed_down_the_tree(tmp_path: Path) -> None:
    motion = glb.read(two_bodies(tmp_path / "motion.glb"))
    pelvis = Rotation.from_quat(turning("z"))
    femur = pelvis * Rotation.from_quat(turning("x"))
    root = np.linspace([0, 0, 1], [1, 0, 1], 5)
    hip = root + pelvis.apply([0.1, 0.0, -0.1])
    knee = hip + femur.apply([0.0, 0.0, -0.4])
    np.testing.assert_allclose(motion.positions[:, 0], root, atol=1e-6)
    np.testing.assert_allclose(motion.positions[:, 2], knee, atol=1e-6)
    found = Rotation.from_quat(motion.rotations[:, 2][:, [1, 2, 3, 0]])
    assert np.abs((found.inv() * femur).magnitude()).max() < 1e-6
    np.testing.assert_allclose(motion.rest_positions[2], [0.1, 0.0, 0.5], atol=1e-6)


def test_channels_with_other_times_are_interpolated(tmp_path: Path) -> None:
    nodes = [{"name": "a", "children": [1]}, {"name": "b"}]
    path = write_glb(
        tmp_path / "m.glb",
        nodes,
        [
            (0, "translation", np.array([0.0, 1.0]), np.array([[0, 0, 0], [2, 0, 0]])),
            (1, "rotation", np.array([0.0, 0.5, 1.0]), turning("x")[[0, 2, 4]]),
        ],
    )
    motion = glb.read(path)
    np.testing.assert_allclose(motion.times, [0.0, 0.5, 1.0])
    # The half-way point of the first channel, seen through the Z-up turn.
    np.testing.assert_allclose(motion.positions[1, 0], [1.0, 0.0, 0.0], atol=1e-6)


BREAKAGES = {
    "a view outside the file": (("bufferViews", 0, "byteOffset"), 10**9),
    "a count of terabytes": (("accessors", 0, "count"), 10**12),
    "a negative count": (("accessors", 0, "count"), -1),
    "another type": (("accessors", 0, "type"), "VEC3"),
    "an unknown component type": (("accessors", 0, "componentType"), 1),
    "a view that is not there": (("accessors", 0, "bufferView"), 99),
    "a sampler that is not there": (("animations", 0, "channels", 0, "sampler"), 99),
    "a node that is not there": (("nodes", 0, "children"), [99]),
    "a ring": (("nodes", 5, "children"), [1]),
    "a matrix": (("nodes", 1, "matrix"), [1.0] * 16),
    "a scale": (("nodes", 1, "scale"), [2.0, 1.0, 1.0]),
    "text for numbers": (("nodes", 1, "translation"), "here"),
    "a zero rotation": (("nodes", 2, "rotation"), [0.0, 0.0, 0.0, 0.0]),
    "two nodes of one name": (("nodes", 5, "name"), "pelvis"),
    "a list of the wrong shape": (("nodes",), 3),
    "curves of another kind": (("animations", 0, "samplers", 0, "interpolation"), "CUBICSPLINE"),
    "an unknown extension": (("extensionsRequired",), ["EXT_meshopt_compression"]),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_damaged_file_gets_one_sentence(tmp_path: Path, breakage: str) -> None:
    document, binary = parts(two_bodies(tmp_path / "m.glb"))
    keys, value = BREAKAGES[breakage]
    place: object = document
    for key in keys[:-1]:
        place = place[key]  # type: ignore[index]
    place[keys[-1]] = value  # type: ignore[index]
    with pytest.raises(OutputError) as caught:
        glb.read(rewritten(tmp_path / "broken.glb", document, binary))
    assert caught.value.sentence.endswith(".")
    assert "\n" not in caught.value.sentence


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no GLB file"),
        (b"<html>502 Bad Gateway</html>", "is no GLB file"),
        (b"glTF" + struct.pack("<II", 1, 20) + bytes(8), "glTF version 1"),
        (b"glTF" + struct.pack("<II", 2, 4000) + bytes(8), "is cut off: 20 of 4000 bytes"),
        (b"glTF" + struct.pack("<IIII", 2, 20, 900, 0x4E4F534A), "a chunk is longer"),
        (b"glTF" + struct.pack("<IIII", 2, 24, 4, 0x4E4F534A) + b"nono", "no JSON"),
    ],
)
def test_what_is_no_glb_gets_one_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "motion.glb"
    path.write_bytes(content)
    with pytest.raises(OutputError, match=words):
        glb.read(path)


def test_times_that_fall_or_are_no_numbers_are_refused(tmp_path: Path) -> None:
    for times in ([0.0, 0.02, 0.01], [0.0, np.nan, 0.01], [0.0, 0.01, np.inf]):
        path = write_glb(
            tmp_path / "m.glb", [{"name": "a"}], [(0, "translation", np.array(times), np.eye(3))]
        )
        with pytest.raises(OutputError):
            glb.read(path)


def test_every_prefix_of_a_file_is_refused(tmp_path: Path) -> None:
    data = two_bodies(tmp_path / "m.glb").read_bytes()
    cut = tmp_path / "cut.glb"
    for size in range(0, len(data) - 1, 97):
        cut.write_bytes(data[:size])
        with pytest.raises(OutputError):
            glb.read(cut)
