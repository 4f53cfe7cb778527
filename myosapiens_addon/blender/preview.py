# SPDX-License-Identifier: GPL-3.0-or-later
"""One picture of a motion: several of its moments side by side, as solid figures.

Rendered with Cycles on the CPU, which works without a display in every Blender. Everything is
built in a scene of its own and removed afterwards; the user's scene, its current frame and
poses that are not keyed stay as they are.
"""

from __future__ import annotations

import math
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from mathutils import Matrix

from ..errors import InputError, MyoSapiensError, RigError
from ..files import replacing
from . import preview_layout, preview_shapes
from .compat import has_denoiser
from .preview_shapes import Bones, Paint, Solid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from .preview_layout import Array, View

_CANDIDATES = 90  # moments that are looked at to choose the shown ones
_SAMPLES = 14
_SAMPLES_WITHOUT_DENOISER = 48
_LENS_MM = 75.0
_SENSOR_MM = 36.0
_NAME = "MyoSapiens preview"
_SUN_STRENGTH = 2.3
_SUN_ANGLE = math.radians(14.0)
_SKY = (0.50, 0.52, 0.56)

# Linear colours; left is blue and right is orange, apart also for colour-blind eyes.
_COLOURS = {
    Paint.MIDDLE: (0.60, 0.62, 0.65),
    Paint.LEFT: (0.035, 0.20, 0.55),
    Paint.RIGHT: (0.85, 0.20, 0.025),
    Paint.JOINT: (0.05, 0.055, 0.065),
    Paint.BACKDROP: (0.72, 0.73, 0.75),
}


@dataclass(frozen=True, kw_only=True)
class _Moments:
    """Bone heads and tails in the world, each (moments, bones, 3)."""

    heads: Array
    tails: Array

    @property
    def clouds(self) -> Array:
        """(moments, 2 bones, 3) all points of each moment."""
        return np.concatenate([self.heads, self.tails], axis=1)


def render_preview(
    armature_object: bpy.types.Object,
    *,
    path: Path,
    frames: int = 6,
    width: int = 1600,
    height: int = 600,
) -> None:
    """Render moments of an armature's motion side by side into one PNG.

    The moments are evenly spaced over the motion such that their poses differ. Figures stand in
    their true places along the way where they do not overlap there, else spread out evenly.
    Bones whose names tell left and right (`_l`, `.R`, `LeftArm` …) are blue and orange.
    Blender's "Render Result" shows the picture afterwards, as after any render.

    Args:
        armature_object: any armature, usually with an action.
        path: the PNG; it appears under this name when it is complete.
        frames: how many moments.
        width: of the picture in pixels.
        height: of the picture in pixels.

    Raises:
        RigError: this is no armature, or it has no bones.
        InputError: the folder does not exist, or a number is below 1.
        MyoSapiensError: Cycles is switched off, or it could not render or save.
    """
    _check(armature_object, path, (frames, width, height))
    with _stage() as stage:
        bones = _read_bones(armature_object)
        moments = _choose(stage, armature_object, bones, frames)
        _furnish(stage, bones, moments, half_tangents=_half_tangents(width, height))
        _set_up_render(stage.scene, width=width, height=height)
        _render_to(stage.scene, path)


def _check(armature_object: bpy.types.Object, path: Path, numbers: tuple[int, ...]) -> None:
    if armature_object.type != "ARMATURE" or not armature_object.data.bones:
        raise RigError(f"{armature_object.name!r} is no armature with bones; choose one to show.")
    if not path.parent.is_dir():
        raise InputError(f"The folder {path.parent} for the picture does not exist; make it first.")
    if min(numbers) < 1:
        raise InputError("A picture needs at least one frame and one pixel each way.")


class _Stage:
    """A scene of our own, and every data-block that was made for it."""

    def __init__(self) -> None:
        self.scene = bpy.data.scenes.new(_NAME)
        self._made: list[bpy.types.ID] = [self.scene]

    def keep(self, block: Any) -> Any:  # noqa: ANN401 -- a data-block of any type
        """Remember a data-block for removal."""
        self._made.append(block)
        return block

    def add_object(self, data: bpy.types.ID, matrix: Matrix | None = None) -> bpy.types.Object:
        """Put data into the scene."""
        made = self.keep(bpy.data.objects.new(_NAME, self.keep(data)))
        self.scene.collection.objects.link(made)
        if matrix is not None:
            made.matrix_world = matrix
        return made

    def clear(self) -> None:
        """Remove everything that was made, users first."""
        bpy.data.batch_remove(self._made)


@contextmanager
def _stage() -> Iterator[_Stage]:
    had_result = "Render Result" in bpy.data.images
    stage = _Stage()
    try:
        yield stage
    finally:
        stage.clear()
        if not had_result and "Render Result" in bpy.data.images:
            bpy.data.images.remove(bpy.data.images["Render Result"])


def _read_bones(armature_object: bpy.types.Object) -> Bones:
    """The bones that move a body: deforming ones where the rig tells them from its controls."""
    every = armature_object.data.bones
    shown = [bone for bone in every if bone.use_deform] or list(every)
    place = {bone.name: index for index, bone in enumerate(shown)}
    parents = [
        next((place[up.name] for up in bone.parent_recursive if up.name in place), -1)
        for bone in shown
    ]
    return Bones(
        names=tuple(place),
        parents=np.array(parents, dtype=np.int64),
        rest_heads=np.array([bone.head_local for bone in shown], dtype=np.float64),
    )


def _choose(
    stage: _Stage, armature_object: bpy.types.Object, bones: Bones, frames: int
) -> _Moments:
    """Evaluate the motion at many moments and keep the telling ones."""
    first, last = _frame_range(armature_object)
    count = _CANDIDATES if last > first else 1
    stage.scene.collection.objects.link(armature_object)
    every = _evaluate(stage.scene, armature_object, bones.names, np.linspace(first, last, count))
    picked = preview_layout.choose_moments(every.clouds, frames)
    return _Moments(heads=every.heads[picked], tails=every.tails[picked])


def _frame_range(armature_object: bpy.types.Object) -> tuple[float, float]:
    """First and last frame of the action, else of the NLA strips, else of the user's scene."""
    animation = armature_object.animation_data
    if animation is not None and animation.action is not None:
        ends = animation.action.frame_range
        return float(ends[0]), float(ends[1])
    strips = (
        [strip for track in animation.nla_tracks for strip in track.strips] if animation else []
    )
    if strips:
        return min(strip.frame_start for strip in strips), max(strip.frame_end for strip in strips)
    scene = bpy.context.scene
    return float(scene.frame_start), float(scene.frame_end)


def _evaluate(
    scene: bpy.types.Scene,
    armature_object: bpy.types.Object,
    names: Sequence[str],
    moments: Array,
) -> _Moments:
    """Heads and tails in the world at each (fractional) frame of `moments`.

    The frame is set in `scene`, which is not the user's.
    """
    ends = np.empty((2, len(moments), len(names), 3))
    for row, moment in enumerate(moments):
        whole = math.floor(moment)
        scene.frame_set(whole, subframe=float(moment) - whole)
        graph: Any = scene.view_layers[0].depsgraph
        evaluated = armature_object.evaluated_get(graph)
        pose: Any = evaluated.pose.bones
        ends[0, row] = [pose[name].head for name in names]
        ends[1, row] = [pose[name].tail for name in names]
        world = np.array(evaluated.matrix_world, dtype=np.float64)
        ends[:, row] = ends[:, row] @ world[:3, :3].T + world[:3, 3]
    return _Moments(heads=ends[0], tails=ends[1])


def _half_tangents(width: int, height: int) -> tuple[float, float]:
    """Tangents of half the angles of view; the sensor lies along the longer side."""
    unit = 0.5 * _SENSOR_MM / _LENS_MM / max(width, height)
    return unit * width, unit * height


def _furnish(
    stage: _Stage, bones: Bones, moments: _Moments, *, half_tangents: tuple[float, float]
) -> None:
    """Figures, backdrop, camera and light."""
    size = preview_layout.height(moments.clouds)
    direction = _direction(bones, moments)
    shift = preview_layout.line_up(moments.clouds, direction)[:, None]
    rows = zip(moments.heads + shift, moments.tails + shift, strict=True)
    figures = preview_shapes.join(
        [preview_shapes.figure(bones, heads, tails, size=size) for heads, tails in rows]
    )
    view = preview_layout.look_at(figures.vertices, direction, half_tangents=half_tangents)
    _add_mesh(stage, preview_shapes.join([figures, _backdrop(figures, view, size=size)]))
    _add_camera(stage, view)
    _add_light(stage, view)


def _direction(bones: Bones, moments: _Moments) -> Array:
    sides = np.tile(bones.sides, 2)  # heads, then tails
    left, right = (np.flatnonzero(sides == paint) for paint in (Paint.LEFT, Paint.RIGHT))
    return preview_layout.picture_direction(moments.clouds, left=left, right=right)


def _backdrop(figures: Solid, view: View, *, size: float) -> Solid:
    low, high = figures.vertices.min(axis=0), figures.vertices.max(axis=0)
    centre = (low + high) / 2
    toward = view.axes[:, 2] * [1.0, 1.0, 0.0]
    toward = toward / np.linalg.norm(toward)
    depth = np.max((centre - figures.vertices) @ toward) + 2.5 * size
    return preview_shapes.backdrop(centre, toward, ground=float(low[2]), depth=float(depth))


def _add_mesh(stage: _Stage, solid: Solid) -> None:
    mesh = bpy.data.meshes.new(_NAME)
    count = len(solid.quads)
    mesh.vertices.add(len(solid.vertices))
    mesh.vertices.foreach_set("co", solid.vertices.astype(np.float32).ravel())
    mesh.loops.add(4 * count)
    mesh.loops.foreach_set("vertex_index", solid.quads.astype(np.int32).ravel())
    mesh.polygons.add(count)
    mesh.polygons.foreach_set("loop_start", np.arange(0, 4 * count, 4, dtype=np.int32))
    mesh.polygons.foreach_set("material_index", solid.paint.astype(np.int32))
    for paint in Paint:
        mesh.materials.append(stage.keep(_material(paint)))
    mesh.update(calc_edges=True)
    mesh.shade_smooth()
    stage.add_object(mesh)


def _material(paint: Paint) -> bpy.types.Material:
    material = bpy.data.materials.new(f"{_NAME} {paint.name.lower()}")
    surface = _node(material, "ShaderNodeBsdfPrincipled")
    surface.inputs["Base Color"].default_value = (*_COLOURS[paint], 1.0)
    surface.inputs["Roughness"].default_value = 1.0 if paint is Paint.BACKDROP else 0.42
    if paint is Paint.BACKDROP:
        surface.inputs["Specular IOR Level"].default_value = 0.0
    return material


def _node(block: bpy.types.Material | bpy.types.World, kind: str) -> Any:  # noqa: ANN401
    """The node of that kind in the default nodes of a new material or world."""
    if block.node_tree is None:  # before 5.0 nodes had to be asked for
        block.use_nodes = True
    return next(node for node in block.node_tree.nodes if node.bl_idname == kind)


def _add_camera(stage: _Stage, view: View) -> None:
    camera = bpy.data.cameras.new(_NAME)
    camera.lens, camera.sensor_width, camera.sensor_fit = _LENS_MM, _SENSOR_MM, "AUTO"
    camera.clip_start, camera.clip_end = 0.01 * view.distance, 100.0 * view.distance
    placed = Matrix.Translation(view.position.tolist()) @ Matrix(view.axes.tolist()).to_4x4()
    stage.scene.camera = stage.add_object(camera, placed)


def _add_light(stage: _Stage, view: View) -> None:
    """A soft sun from above the camera's left, and an even sky."""
    sun: Any = bpy.data.lights.new(_NAME, "SUN")
    sun.energy, sun.angle = _SUN_STRENGTH, _SUN_ANGLE
    axes = view.axes @ preview_layout.light_turn()
    stage.add_object(sun, Matrix(axes.tolist()).to_4x4())
    world = stage.keep(bpy.data.worlds.new(_NAME))
    sky = _node(world, "ShaderNodeBackground")
    sky.inputs["Color"].default_value = (*_SKY, 1.0)
    sky.inputs["Strength"].default_value = 1.0
    stage.scene.world = world


def _set_up_render(scene: bpy.types.Scene, *, width: int, height: int) -> None:
    render: Any = scene.render  # the stubs know no engine but their own
    try:
        render.engine = "CYCLES"
    except TypeError as error:
        raise MyoSapiensError(
            "The picture is rendered with Cycles, which is switched off; "
            'enable the add-on "Cycles Render Engine" in the preferences.'
        ) from error
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
    render.use_file_extension = False
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode = "RGB"
    render.image_settings.compression = 90
    render.dither_intensity = 0.0  # triples the size of the file
    for name in render.bl_rna.properties.keys():  # noqa: SIM118 -- not a dict
        if name.startswith("use_stamp"):  # no file names or times inside the PNG
            setattr(render, name, False)
    with suppress(TypeError):  # a studio's own colour configuration may lack it
        scene.view_settings.view_transform = "Standard"
    _set_up_cycles(scene.cycles)


def _set_up_cycles(cycles: Any) -> None:  # noqa: ANN401 -- Cycles' properties are not in the stubs
    cycles.device = "CPU"
    cycles.use_adaptive_sampling = False
    cycles.max_bounces = 2
    cycles.seed = 0
    cycles.use_denoising = has_denoiser()
    cycles.samples = _SAMPLES if cycles.use_denoising else _SAMPLES_WITHOUT_DENOISER
    if cycles.use_denoising:
        cycles.denoiser = "OPENIMAGEDENOISE"
        cycles.denoising_prefilter = "FAST"
        cycles.denoising_quality = "BALANCED"


def _render_to(scene: bpy.types.Scene, path: Path) -> None:
    """Render under a temporary name beside `path`, then rename."""
    try:
        with replacing(path.absolute(), suffix=".png") as unfinished:
            scene.render.filepath = str(unfinished)
            bpy.ops.render.render(write_still=True, scene=scene.name)
    except (RuntimeError, OSError) as error:
        reason = str(error).strip().splitlines()[0].removeprefix("Error: ")
        raise MyoSapiensError(f"The picture {path} could not be made: {reason}.") from error
