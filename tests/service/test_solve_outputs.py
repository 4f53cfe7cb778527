# SPDX-License-Identifier: GPL-3.0-or-later
"""The output files hold what the service's formats say, and agree with each other."""
# MuJoCo, ezc3d, pyarrow and pygltflib come without full types.
# pyright: reportAttributeAccessIssue=false
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false, reportOperatorIssue=false
# pyright: reportCallIssue=false, reportArgumentType=false, reportOptionalSubscript=false

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any, TypeAlias

import mujoco
import numpy as np
import pyarrow.parquet as pq
import pygltflib
import pytest
from scipy.spatial.transform import Rotation

from local_service.solve import SolveOptions, SolveResult, run
from local_service.solve.motion import continuous
from local_service.solve.shapes import shapes
from tests.service.solve_subjects import make_subject, write_markerset, write_take

FRAMES = 40
Model: TypeAlias = mujoco.MjModel  # what an output is checked against
Truth: TypeAlias = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("inputs")
    subject = make_subject(frames=FRAMES, size=1.05, heading_rad=2.8)
    return {
        "c3d": write_take(subject, folder / "take.c3d"),
        "markerset": write_markerset(subject, folder / "set.xml"),
    }


@pytest.fixture(scope="module")
def result(inputs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> SolveResult:
    options = SolveOptions(export_glb=True, subject_weight_kg=64.0)
    return run(**inputs, out_dir=tmp_path_factory.mktemp("outputs"), options=options)


@pytest.fixture(scope="module")
def model(result: SolveResult) -> Model:
    return mujoco.MjModel.from_binary_path(str(result.outputs["model"]))


@pytest.fixture(scope="module")
def truth(result: SolveResult, model: Model) -> tuple[np.ndarray, np.ndarray]:
    """World positions and rotation matrices of all bodies, from model and qpos alone."""
    data = mujoco.MjData(model)
    positions, rotations = [], []
    for row in columns(result.outputs["qpos"])[1]:
        data.qpos[:] = row
        mujoco.mj_forward(model, data)
        positions.append(data.xpos.copy())
        rotations.append(data.xmat.reshape(-1, 3, 3).copy())
    return np.array(positions), np.array(rotations)


@pytest.fixture(scope="module")
def glb(result: SolveResult) -> pygltflib.GLTF2:
    loaded = pygltflib.GLTF2().load(str(result.outputs["motion"]))
    assert loaded is not None
    return loaded


def columns(path: Path) -> tuple[list[str], np.ndarray]:
    table: Any = pq.read_table(path)
    return table.column_names[1:], np.stack(
        [table[n].to_numpy() for n in table.column_names[1:]], 1
    )


def values(glb: pygltflib.GLTF2, index: int) -> np.ndarray:
    accessor = glb.accessors[index]
    view = glb.bufferViews[accessor.bufferView]
    width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[accessor.type]
    kind = {5126: "<f4", 5123: "<u2"}[accessor.componentType]
    start = (view.byteOffset or 0) + (accessor.byteOffset or 0)
    flat = np.frombuffer(glb.binary_blob(), kind, accessor.count * width, start)
    return flat.reshape(accessor.count, width).astype(np.float64)


def test_qpos_columns(result: SolveResult, model: Model) -> None:
    names, rows = columns(result.outputs["qpos"])
    assert rows.shape == (FRAMES, model.nq)
    assert all("root" in name for name in names[:7])
    assert [name[-2:] for name in names[:7]] == ["tx", "ty", "tz", "qw", "qx", "qy", "qz"]
    assert names[names.index("shoulder_r_qw") :][:4] == [f"shoulder_r_q{a}" for a in "wxyz"]
    hinges = [i for i in range(model.njnt) if model.jnt_type[i] == mujoco.mjtJoint.mjJNT_HINGE]
    for index in hinges:
        assert names[model.jnt_qposadr[index]] == model.joint(index).name
    assert np.linalg.norm(rows[:, 3:7], axis=1) == pytest.approx(1.0)


def test_times_and_compression(result: SolveResult) -> None:
    for key in ("qpos", "xpos"):
        file: Any = pq.ParquetFile(result.outputs[key])
        assert file.schema_arrow.names[0] == "time"
        assert file.read()["time"].to_numpy() == pytest.approx(np.arange(FRAMES) / 100.0)
        assert file.metadata.row_group(0).column(0).compression == "SNAPPY"
        assert file.metadata.row_group(0).column(3).physical_type == "DOUBLE"


def test_xpos_is_the_pose_of_qpos(result: SolveResult, model: Model, truth: Truth) -> None:
    names, rows = columns(result.outputs["xpos"])
    assert names == [f"{model.body(i).name}_{axis}" for i in range(model.nbody) for axis in "xyz"]
    assert rows.reshape(FRAMES, -1, 3) == pytest.approx(truth[0], abs=1e-12)


def test_model_is_the_subjects(model: Model) -> None:
    assert model.body_mass.sum() == pytest.approx(64.0)
    assert -model.body("tibia_r").pos[1] == pytest.approx(1.05 * 0.42875, rel=0.02)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    assert data.site_xpos[:, 2].min() == pytest.approx(0.0, abs=1e-9)  # stands on the floor


def test_npz_needs_no_pickle_and_holds_the_same_angles(
    inputs: dict[str, Path], result: SolveResult, tmp_path: Path
) -> None:
    outputs = run(**inputs, out_dir=tmp_path, options=SolveOptions(revision=1)).outputs
    assert set(outputs) == {"retarget_output"}
    with np.load(outputs["retarget_output"], allow_pickle=False) as file:
        angles, names = file["joint_angles"], [str(name) for name in file["joint_names"]]
        assert json.loads(str(file["metadata"]))["rate_hz"] == 100.0
    qpos_names, rows = columns(result.outputs["qpos"])
    assert angles.shape == (FRAMES, len(names))
    assert not any("root" in name for name in names)
    knee = names.index("knee_flexion_r")
    assert angles[:, knee] == pytest.approx(rows[:, qpos_names.index("knee_flexion_r")], abs=1e-3)
    first = names.index("shoulder_abdu_r")
    assert names[first : first + 3] == ["shoulder_abdu_r", "humerus_arot_r", "shoulder_flex_r"]
    turned = Rotation.from_euler("XYZ", angles[:, first : first + 3])
    ball = qpos_names.index("shoulder_r_qw")
    true = Rotation.from_quat(np.roll(rows[:, ball : ball + 4], -1, axis=1))
    assert (turned.inv() * true).magnitude().max() < 1e-2


def test_glb_structure(glb: pygltflib.GLTF2, model: Model) -> None:
    names = [model.body(i).name for i in range(model.nbody)]
    assert [node.name for node in glb.nodes[: model.nbody]] == names
    assert glb.nodes[-1].name == "Scene"
    assert glb.nodes[-1].children == [0]
    half = np.sqrt(0.5)
    assert glb.nodes[-1].rotation == pytest.approx([-half, 0, 0, half])
    assert glb.scenes[glb.scene].nodes == [len(glb.nodes) - 1]
    assert not glb.skins
    assert not glb.extensionsUsed
    assert all(node.matrix is None and node.scale is None for node in glb.nodes)
    extra = [node.name for node in glb.nodes[model.nbody : -1]]
    assert extra
    assert all(name.rpartition("_geom_")[0] in names for name in extra)
    assert glb.nodes[0].mesh is not None  # the floor
    assert all(not mesh.name for mesh in glb.meshes)


def test_glb_animation(glb: pygltflib.GLTF2, model: Model) -> None:
    (animation,) = glb.animations
    moving = {i for i in range(model.nbody) if model.body_jntnum[i] > 0}
    assert model.body("pelvis").id not in moving
    targets = [(c.target.node, c.target.path) for c in animation.channels]
    assert sorted(targets) == sorted((b, p) for b in moving for p in ("rotation", "translation"))
    assert {sampler.interpolation for sampler in animation.samplers} == {"LINEAR"}
    times = [sampler.input for sampler in animation.samplers]
    assert len(set(times)) == len(times)
    for index in times:
        accessor = glb.accessors[index]
        assert values(glb, index)[:, 0] == pytest.approx(np.arange(FRAMES) / 100.0)
        assert accessor.min == [0.0]
        assert accessor.max == pytest.approx([(FRAMES - 1) / 100.0])


def test_glb_binary_is_sound(glb: pygltflib.GLTF2, result: SolveResult) -> None:
    data = result.outputs["motion"].read_bytes()
    magic, version, length = struct.unpack("<4sII", data[:12])
    assert (magic, version, length) == (b"glTF", 2, len(data))
    blob = glb.binary_blob()
    assert blob is not None
    assert len(blob) >= glb.buffers[0].byteLength
    for view in glb.bufferViews:
        assert view.byteOffset % 4 == 0
        assert view.byteOffset + view.byteLength <= glb.buffers[0].byteLength
    for mesh in glb.meshes:
        (primitive,) = mesh.primitives
        corners, normals = (
            values(glb, primitive.attributes.__dict__[k]) for k in ("POSITION", "NORMAL")
        )
        triangles = values(glb, primitive.indices)
        assert triangles.max() < len(corners) == len(normals)
        assert np.linalg.norm(normals, axis=1) == pytest.approx(1.0, abs=1e-5)
        bounds = glb.accessors[primitive.attributes.POSITION]
        assert corners.min(axis=0) == pytest.approx(bounds.min)
        assert corners.max(axis=0) == pytest.approx(bounds.max)


def test_glb_composes_to_the_pose(glb: pygltflib.GLTF2, model: Model, truth: Truth) -> None:
    """Composed in double precision: 0.01 mm, 0.001 degrees; no quaternion changes sign."""
    tracks = {}
    for channel in glb.animations[0].channels:
        sampler = glb.animations[0].samplers[channel.sampler]
        tracks[channel.target.node, channel.target.path] = values(glb, sampler.output)
    positions = np.zeros((model.nbody, FRAMES, 3))
    turns = [Rotation.identity(FRAMES)] * model.nbody
    for body in range(1, model.nbody):
        parent, node = int(model.body_parentid[body]), glb.nodes[body]
        assert body in glb.nodes[parent].children
        place = tracks.get(
            (body, "translation"), np.tile(node.translation or [0, 0, 0], (FRAMES, 1))
        )
        quaternion = tracks.get(
            (body, "rotation"), np.tile(node.rotation or [0, 0, 0, 1], (FRAMES, 1))
        )
        assert np.all(np.sum(quaternion[1:] * quaternion[:-1], axis=1) > 0)
        positions[body] = positions[parent] + turns[parent].apply(place)
        turns[body] = turns[parent] * Rotation.from_quat(quaternion)
    assert np.abs(positions.swapaxes(0, 1) - truth[0]).max() < 1e-5
    for body in range(1, model.nbody):
        error = turns[body].inv() * Rotation.from_matrix(truth[1][:, body])
        assert np.degrees(error.magnitude().max()) < 1e-3


def test_meshes_cover_their_shapes(model: Model) -> None:
    """Closed surfaces: the volume of the shape, a little less for being facets."""
    found = shapes(model)
    assert len(found) == model.ngeom
    for shape, index in zip(found, range(model.ngeom), strict=True):
        a, b, c = (shape.vertices_m[shape.triangles[:, k]] for k in range(3))
        volume = np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6
        size, kind = model.geom_size[index], model.geom_type[index]
        if kind == mujoco.mjtGeom.mjGEOM_PLANE:
            continue
        full = {
            mujoco.mjtGeom.mjGEOM_CAPSULE: np.pi * size[0] ** 2 * (2 * size[1] + 4 / 3 * size[0]),
            mujoco.mjtGeom.mjGEOM_ELLIPSOID: 4 / 3 * np.pi * size.prod(),
            mujoco.mjtGeom.mjGEOM_BOX: 8 * size.prod(),
        }[mujoco.mjtGeom(kind)]
        assert 0.85 * full < volume <= full * (1 + 1e-9)


def test_quaternions_keep_their_sign() -> None:
    turn = Rotation.from_rotvec(np.linspace(0, 12, 200)[:, None] * [0, 0, 1]).as_quat()[:, None]
    fixed = continuous(turn * np.random.default_rng(0).choice([-1.0, 1.0], (200, 1, 1)))
    assert np.all(np.sum(fixed[1:] * fixed[:-1], axis=-1) > 0)


def test_warnings_tell_each_markers_error(result: SolveResult) -> None:
    assert len(result.warnings) == len(result.marker_rms_m)
    assert all("mm" in line for line in result.warnings)
    assert set(result.seconds) == {"read", "scale", "solve", "write"}
    assert result.mujoco_version == mujoco.__version__
