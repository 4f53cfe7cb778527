# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures with meshes, brought in, and how far their vertices are from where they should be."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from myosapiens_addon.blender import (
    landing,
    landing_options,
    meshes,
    meshes_import,
)
from myosapiens_addon.motion import glb as motion_glb
from myosapiens_addon.motion import quaternion
from myosapiens_addon.motion.motion import Motion
from tests.helpers.mesh_glbs import Glb, figure
from tests.helpers.motions import moving

NEAR_M = 1e-5


@pytest.fixture(name="walking")
def walking_fixture(tmp_path: Path) -> Glb:
    """A figure with meshes, written to `figure.glb`."""
    glb = figure(moving())
    glb.write(tmp_path / "figure.glb")
    return glb


def prepared(path: Path, tmp_path: Path) -> meshes.Prepared:
    folder = tmp_path / "parts"
    folder.mkdir(exist_ok=True)
    return meshes.prepare(path, motion_glb.read(path), folder=folder)


def land(path: Path) -> landing.Landing:
    options = landing_options.LandingOptions(new_armature=True, rate="capture")
    return landing.land([path], name="Take", options=options)


def bring(path: Path, tmp_path: Path, rig: str, **options: bool) -> meshes.Brought:
    return meshes.bring(
        prepared(path, tmp_path),
        bpy.data.objects[rig],
        scene=bpy.context.scene,
        name="Take",
        **options,
    )


def world_vertices(name: str) -> np.ndarray:
    graph = bpy.context.evaluated_depsgraph_get()
    shown = bpy.data.objects[name].evaluated_get(graph)
    count = len(shown.data.vertices)
    local = np.empty(count * 3, np.float32)
    shown.data.vertices.foreach_get("co", local)
    world = np.array(shown.matrix_world, dtype=np.float64)
    return local.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]


def worst_m(
    brought: meshes.Brought, glb: Glb, motion: Motion, frame: int, outer: np.ndarray | None = None
) -> float:
    """The largest distance of a vertex from where its body has it in a frame of the take."""
    fps = bpy.context.scene.render.fps / bpy.context.scene.render.fps_base
    moment = 1 + motion.times[frame] * fps
    bpy.context.scene.frame_set(int(moment), subframe=moment - int(moment))
    outer = np.eye(4) if outer is None else outer
    worst = 0.0
    assert len(glb.vertices) == brought.count
    for body, name in enumerate(motion.names):
        # A body's own node comes before `<body>_geom_1`, in both.
        nodes = sorted(node for node, carrier in glb.bodies.items() if carrier == name)
        hung = [entry for entry in brought.objects if bpy.data.objects[entry].parent_bone == name]
        turn, place = motion.rotations[frame, body], motion.positions[frame, body]
        for node, entry in zip(nodes, hung, strict=True):
            wanted = quaternion.rotate(turn, glb.vertices[node]) + place
            wanted = wanted @ outer[:3, :3].T + outer[:3, 3]
            worst = max(worst, np.linalg.norm(world_vertices(entry) - wanted, axis=1).max())
    return worst


def counts() -> dict[str, int]:
    return {kind: len(uids) for kind, uids in meshes_import.census().items()}
