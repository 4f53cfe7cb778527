# SPDX-License-Identifier: GPL-3.0-or-later
"""Fitting leaves alone what it has to, and comes back from a failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import bpy
import numpy as np
import pytest

from myosapiens_addon.blender import (
    animation,
    armature,
    fitting,
    joint_definitions,
)
from myosapiens_addon.errors import RigError
from tests.blender.fitting_bench import (
    NEAR_M,
    OTHER,
    anna_fixture,  # noqa: F401
    assert_same_rests,
    heads_of,
    land,
    offered,
    rests,
    take_of,
)
from tests.helpers import solved


def state() -> tuple[object, ...]:
    layer = bpy.context.view_layer
    active = layer.objects.active
    return (
        active.name if active else None,
        bpy.context.mode,
        sorted(entry.name for entry in layer.objects.selected),
        {entry.name: entry.mode for entry in bpy.data.objects},
        sorted(entry.name for entry in bpy.context.scene.collection.objects),
        bpy.context.scene.frame_current,
    )


@pytest.fixture(params=["nothing", "cube", "posing", "posing two", "painting"])
def situation(request: pytest.FixtureRequest, anna: bpy.types.Object) -> str:
    """What people are doing."""
    layer = bpy.context.view_layer
    if request.param in ("cube", "painting"):
        bpy.ops.mesh.primitive_cube_add()
        if request.param == "painting":
            bpy.ops.object.mode_set(mode="VERTEX_PAINT")
    elif request.param.startswith("posing"):
        if request.param == "posing two":
            armature.build(solved.take(seed=2).motion(), name="Berta").select_set(True)
        anna.select_set(True)
        layer.objects.active = anna
        bpy.ops.object.mode_set(mode="POSE")
    bpy.context.scene.frame_set(17)
    return request.param


# What must stay as it is


def test_mode_selection_and_active_object_stay(situation: str, tmp_path: Path) -> None:
    before = state()
    assert (before[1] == "POSE") == situation.startswith("posing")
    take = take_of(OTHER)
    land(take, tmp_path, fit=True)
    assert state() == before
    assert np.linalg.norm(heads_of("Anna", take) - take.poses()[0], axis=-1).max() < NEAR_M


def hidden_in_the_viewport(built: bpy.types.Object) -> None:
    built.hide_viewport = True


def hidden_by_its_eye(built: bpy.types.Object) -> None:
    built.hide_set(True)


@pytest.mark.parametrize("hide", [hidden_in_the_viewport, hidden_by_its_eye])
def test_a_hidden_armature_is_told_and_left_alone(
    anna: bpy.types.Object, tmp_path: Path, hide: Callable[[bpy.types.Object], None]
) -> None:
    hide(anna)
    before = rests(anna)
    with pytest.raises(RigError, match="'Anna' is hidden; show it"):
        land(take_of(OTHER), tmp_path, fit=True)
    assert_same_rests(rests(anna), before)
    assert not bpy.data.actions
    assert len(offered(land(take_of(OTHER), tmp_path))) == 1


def test_an_armature_in_edit_mode_is_told_and_left_alone(
    anna: bpy.types.Object, tmp_path: Path
) -> None:
    bpy.context.view_layer.objects.active = anna
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RigError, match="'Anna' is in Edit Mode"):
        land(take_of(OTHER), tmp_path, fit=True)
    assert bpy.context.mode == "EDIT_ARMATURE"
    bpy.ops.object.mode_set(mode="OBJECT")
    assert not bpy.data.actions


@pytest.mark.parametrize("how", ["linked", "linked data", "override"])
def test_bones_of_another_file_are_told_and_left_alone(
    anna: bpy.types.Object, tmp_path: Path, how: str
) -> None:
    library = str(tmp_path / "library.blend")
    bpy.ops.wm.save_as_mainfile(filepath=library)
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(library, link=True) as (_there, here):
        if how == "linked data":
            here.armatures = ["Anna"]
        else:
            here.objects = ["Anna"]
    if how == "linked data":
        target = bpy.data.objects.new("Anna", here.armatures[0])
        bpy.context.scene.collection.objects.link(target)
    else:
        bpy.context.scene.collection.objects.link(here.objects[0])
        target = here.objects[0]
    if how == "override":
        target = target.override_create(remap_local_usages=True)
    before = rests(target)
    expected = "cannot be animated here" if how == "linked" else "belong to a linked file"
    with pytest.raises(RigError, match=expected):
        land(take_of(OTHER), tmp_path, fit=True)
    assert_same_rests(rests(target), before)
    assert not bpy.data.actions


# Where it fails


def test_a_failed_landing_takes_the_fit_back(
    anna: bpy.types.Object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(take_of(solved.OFFSETS, seed=3), tmp_path, meshes=True)
    before = rests(anna)
    hung = {entry.name: np.array(entry.matrix_parent_inverse) for entry in anna.children}
    action = anna.animation_data.action
    seen: list[float] = []

    def broken(*_arguments: object, **_options: object) -> Iterator[int]:
        seen.append(anna.data.bones["ulna_r"].head_local.z)
        yield 1
        raise RigError("The keys cannot be written.")

    monkeypatch.setattr(animation, "write", broken)
    with pytest.raises(RigError, match="cannot be written"):
        land(take_of(OTHER), tmp_path, fit=True)
    assert abs(seen[0] - before["ulna_r"][11]) > 0.01  # it had been fitted
    assert_same_rests(rests(anna), before)
    for name, matrix in hung.items():
        found = np.array(bpy.data.objects[name].matrix_parent_inverse)
        np.testing.assert_allclose(found, matrix, atol=1e-5)
    assert anna.animation_data.action == action
    assert state()[1] == "OBJECT"


def test_a_failed_landing_leaves_no_properties_on_bones_that_had_none(
    anna: bpy.types.Object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    joint_definitions.remove(anna)
    for bone in anna.data.bones:
        del bone[armature.BODY_REST]
    before = rests(anna)

    def broken(*_arguments: object, **_options: object) -> Iterator[int]:
        raise RigError("The keys cannot be written.")

    monkeypatch.setattr(animation, "write", broken)
    with pytest.raises(RigError, match="cannot be written"):
        land(take_of(OTHER), tmp_path, fit=True)
    assert_same_rests(rests(anna), before)


def test_an_armature_that_goes_while_it_is_fitted_is_told(
    anna: bpy.types.Object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first fault counts, not that there is nothing left to take back."""

    def gone(*_arguments: object, **_options: object) -> Iterator[int]:
        bpy.data.objects.remove(anna)
        yield 1
        raise RigError("The keys cannot be written.")

    monkeypatch.setattr(animation, "write", gone)
    with pytest.raises(RigError, match="cannot be written"):
        land(take_of(OTHER), tmp_path, fit=True)


def test_fit_and_restore_are_each_other_s_opposite(anna: bpy.types.Object) -> None:
    before = rests(anna)
    shape = fitting.fit(anna, take_of(OTHER).motion())
    assert np.abs(rests(anna)["skull"] - before["skull"]).max() > 0.01
    for _ in range(2):
        fitting.restore(anna, shape)
        assert_same_rests(rests(anna), before)
