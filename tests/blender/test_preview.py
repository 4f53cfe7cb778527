# SPDX-License-Identifier: GPL-3.0-or-later
"""The preview picture: what it shows, and that nothing else changes."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from myosapiens_addon.blender import compat, preview, preview_shapes
from myosapiens_addon.errors import InputError, RigError

BONES = {  # name: parent, head, tail
    "pelvis": ("", (0, 0, 1.0), (0, 0, 1.1)),
    "spine": ("pelvis", (0, 0, 1.1), (0, 0, 1.5)),
    "skull": ("spine", (0, 0, 1.55), (0, 0, 1.75)),
    "humerus_l": ("spine", (0.2, 0, 1.45), (0.25, 0, 0.9)),
    "humerus_r": ("spine", (-0.2, 0, 1.45), (-0.25, 0, 0.9)),
    "leg.L": ("pelvis", (0.1, 0, 1.0), (0.1, 0, 0.0)),
    "RightLeg": ("pelvis", (-0.1, 0, 1.0), (-0.1, 0, 0.0)),
}


@pytest.fixture
def figure() -> bpy.types.Object:
    """A small figure facing −Y, whose action walks it 3 m that way in 40 frames."""
    armature = bpy.data.armatures.new("figure")
    made = bpy.data.objects.new("figure", armature)
    bpy.context.scene.collection.objects.link(made)
    bpy.context.view_layer.objects.active = made
    bpy.ops.object.mode_set(mode="EDIT")
    for name, (parent, head, tail) in BONES.items():
        bone = armature.edit_bones.new(name)
        bone.head, bone.tail = head, tail
        bone.parent = armature.edit_bones.get(parent)
    bpy.ops.object.mode_set(mode="OBJECT")
    curves = compat.ActionCurves("walk", made.name)
    curves.add("location", 1, "Object", np.array([1, 0, 41, -3], np.float32))
    curves.assign(made)
    return made


def pixels(path: Path) -> np.ndarray:
    """(height, width, 3) 0 to 1, rows from the bottom; leaves no image behind."""
    image = bpy.data.images.load(str(path))
    width, height = image.size
    values = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(values)
    bpy.data.images.remove(image)
    return values.reshape(height, width, 4)[..., :3]


def blocks() -> dict[str, list[tuple[str, int]]]:
    """Every data-block of the file by collection, with its users."""
    collections = {
        name: getattr(bpy.data, name)
        for name in dir(bpy.data)
        if isinstance(getattr(bpy.data, name), bpy.types.bpy_prop_collection)
    }
    return {
        name: sorted((block.name, block.users) for block in collection)
        for name, collection in collections.items()
    }


def orange(picture: np.ndarray) -> np.ndarray:
    return picture[..., 0] - picture[..., 2] > 0.25


def blue(picture: np.ndarray) -> np.ndarray:
    return picture[..., 2] - picture[..., 0] > 0.25


def test_picture_shows_both_sides_on_a_quiet_ground(
    figure: bpy.types.Object, tmp_path: Path
) -> None:
    path = tmp_path / "preview.png"
    preview.render_preview(figure, path=path, frames=3, width=240, height=96)
    picture = pixels(path)
    assert picture.shape == (96, 240, 3)
    assert picture.std() > 0.05
    assert orange(picture).mean() > 0.005
    assert blue(picture).mean() > 0.005
    assert picture[-2:].mean() > 0.7  # the upper edge is wall
    border = np.concatenate([picture[-1], picture[:, 0], picture[:, -1]])
    assert not (orange(border) | blue(border)).any()  # everybody is inside


def test_each_moment_is_a_figure_of_its_own(figure: bpy.types.Object, tmp_path: Path) -> None:
    path = tmp_path / "preview.png"
    preview.render_preview(figure, path=path, frames=4, width=400, height=120)
    shown = orange(pixels(path)) | blue(pixels(path))
    columns = np.flatnonzero(shown.any(axis=0))
    gaps = np.diff(columns)
    assert (gaps > 8).sum() == 3  # wider than between the limbs of one
    rows = np.flatnonzero(shown.any(axis=1))
    assert max(np.ptp(columns) / 400, np.ptp(rows) / 120) > 0.7  # they fill the picture


def test_it_goes_to_the_right_and_shows_the_right_side(
    figure: bpy.types.Object, tmp_path: Path
) -> None:
    """Seen from her right, the right leg and arm stand in front of the left ones."""
    path = tmp_path / "preview.png"
    preview.render_preview(figure, path=path, frames=2, width=240, height=120)
    picture = pixels(path)
    assert orange(picture).sum() > blue(picture).sum()


def test_scene_and_data_stay_as_they_were(figure: bpy.types.Object, tmp_path: Path) -> None:
    scene = bpy.context.scene
    scene.frame_set(17)
    figure.pose.bones["spine"].rotation_quaternion = (0.9, 0.1, 0.3, 0.2)  # not keyed
    unkeyed = tuple(figure.pose.bones["spine"].rotation_quaternion)
    place = figure.matrix_world.copy()
    before, engine = blocks(), scene.render.engine
    preview.render_preview(figure, path=tmp_path / "p.png", frames=2, width=64, height=48)
    assert blocks() == before
    assert (scene.frame_current, scene.render.engine) == (17, engine)
    assert bpy.context.scene == scene
    assert tuple(figure.pose.bones["spine"].rotation_quaternion) == unkeyed
    assert figure.matrix_world == place
    assert figure.users_scene == (scene,)
    assert [path.name for path in tmp_path.iterdir()] == ["p.png"]


def test_two_pictures_of_one_motion_are_the_same(figure: bpy.types.Object, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        preview.render_preview(figure, path=tmp_path / name, frames=2, width=64, height=48)
    np.testing.assert_allclose(pixels(tmp_path / "a.png"), pixels(tmp_path / "b.png"), atol=0.02)
    assert b"figure" not in (tmp_path / "a.png").read_bytes()
    assert str(tmp_path).encode() not in (tmp_path / "a.png").read_bytes()


def test_figure_that_stays_is_spread_out_and_seen_from_the_front(
    figure: bpy.types.Object, tmp_path: Path
) -> None:
    figure.animation_data_clear()
    bpy.context.scene.frame_end = 20
    path = tmp_path / "preview.png"
    preview.render_preview(figure, path=path, frames=3, width=240, height=96)
    columns = (orange(pixels(path)) | blue(pixels(path))).any(axis=0)
    assert (np.diff(columns.astype(int)) == 1).sum() >= 3
    first_orange, first_blue = (
        np.flatnonzero(found(pixels(path)).any(axis=0))[0] for found in (orange, blue)
    )
    assert first_orange < first_blue  # facing us, her right is to our left


def test_an_armature_that_is_scaled_and_has_no_sides_is_shown_too(tmp_path: Path) -> None:
    bpy.ops.object.armature_add()
    lonely = bpy.context.object
    lonely.scale = (100, 100, 100)
    bpy.context.view_layer.update()
    preview.render_preview(lonely, path=tmp_path / "p.png", frames=2, width=64, height=48)
    picture = pixels(tmp_path / "p.png")
    assert picture.std() > 0.02
    assert not (orange(picture) | blue(picture)).any()


def test_a_failed_render_leaves_nothing_behind(
    figure: bpy.types.Object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("no light")

    before = blocks()
    monkeypatch.setattr(preview, "_add_light", broken)
    with pytest.raises(ValueError, match="no light"):
        preview.render_preview(figure, path=tmp_path / "p.png", width=64, height=48)
    assert blocks() == before
    assert not list(tmp_path.iterdir())


def test_wrong_input_gets_a_sentence(figure: bpy.types.Object, tmp_path: Path) -> None:
    empty = bpy.data.objects.new("empty", None)
    with pytest.raises(RigError, match="'empty' is no armature"):
        preview.render_preview(empty, path=tmp_path / "p.png")
    with pytest.raises(InputError, match="does not exist"):
        preview.render_preview(figure, path=tmp_path / "nowhere" / "p.png")
    with pytest.raises(InputError, match="at least one"):
        preview.render_preview(figure, path=tmp_path / "p.png", frames=0)


@pytest.mark.parametrize(
    ("name", "paint"),
    [
        ("femur_r", "RIGHT"), ("tibia_l", "LEFT"), ("lumbar_spine_3", "MIDDLE"),
        ("thigh.L", "LEFT"), ("DEF-thigh.R.001", "RIGHT"), ("mixamorig:LeftUpLeg", "LEFT"),
        ("RightHand", "RIGHT"), ("upright", "MIDDLE"), ("root", "MIDDLE"), ("l_arm", "LEFT"),
        ("hand-R", "RIGHT"), ("cleft", "MIDDLE"), ("control", "MIDDLE"),
    ],
)  # fmt: skip
def test_side_of_a_bone_is_read_from_its_name(name: str, paint: str) -> None:
    assert preview_shapes.side_of(name).name == paint
