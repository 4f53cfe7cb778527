# SPDX-License-Identifier: GPL-3.0-or-later
"""A take of one subject on the armature of another: kept, or fitted and nothing else changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import bpy
import numpy as np
import pytest

from myosapiens_addon.blender import (
    animation,
    armature,
    character_armature,
    fitting,
    joint_definitions,
    joint_limits,
    landing,
)
from myosapiens_addon.blender.landing_options import LandingOptions
from myosapiens_addon.errors import RigError
from myosapiens_addon.motion import mjcf, quaternion
from tests.blender import posing, rig_builders
from tests.helpers import mesh_glbs, solved
from tests.helpers.motions import NAMES
from tests.helpers.solved import Solved

NEAR_M = 0.1e-3
# Legs, an arm and the trunk, and not the same on both sides.
LONGER = ("tibia_r", "talus_l", "femur_l", "tibia_l", "ulna_r", "skull", "thoracic_spine")
OTHER = solved.larger(1.1, *(name for name in LONGER if name in NAMES))
ARM_ONLY = solved.larger(1.15, "ulna_r")


@pytest.fixture
def anna(tmp_path: Path) -> bpy.types.Object:
    """An armature of the definition, its joints on its bones."""
    model = mjcf.read(solved.write_model(tmp_path / "model.xml"))
    return character_armature.build(model, name="Anna")


def take_of(offsets: np.ndarray, seed: int = 11) -> Solved:
    return solved.take(offsets=offsets, seed=seed)


def land(take: Solved, folder: Path, **options: object) -> landing.Landing:
    given = {"armature": "Anna", "rate": "capture", **options}
    path = take.write_glb(folder / "motion.glb", meshes=bool(options.get("meshes")))
    return landing.land([path], name="Take", options=LandingOptions(**given))


def rests(built: bpy.types.Object) -> dict[str, np.ndarray]:
    """Every bone at rest: its matrix, its length, and the axes of its body."""
    return {
        bone.name: np.array(
            [*np.ravel(bone.matrix_local), bone.length, *bone.get(armature.BODY_REST, ())]
        )
        for bone in built.data.bones
    }


def assert_same_rests(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, atol=2e-6, err_msg=name)


def heads_of(name: str, take: Solved) -> np.ndarray:
    return posing.evaluated(name, 1 + take.times * 24, NAMES)[..., :3, 3]


def offered(found: landing.Landing) -> list[str]:
    return [text for text in found.warnings if "Fit Armature (--fit-armature)" in text]


# Kept


def test_the_armature_is_kept_and_a_fit_is_offered(anna: bpy.types.Object, tmp_path: Path) -> None:
    before = rests(anna)
    found = land(take_of(OTHER), tmp_path)
    assert len(offered(found)) == 1
    assert "by up to 42 mm" in offered(found)[0]
    assert_same_rests(rests(anna), before)


def test_a_kept_armature_turns_as_the_take_does(anna: bpy.types.Object, tmp_path: Path) -> None:
    """Its arm is its own: the joints' angles are the take's, the lengths the armature's."""
    take = take_of(ARM_ONLY)
    found = land(take, tmp_path)
    assert "by up to 43 mm" in offered(found)[0]
    same = Solved(values=take.values, offsets=solved.OFFSETS)
    assert np.linalg.norm(heads_of("Anna", take) - same.poses()[0], axis=-1).max() < NEAR_M
    assert anna.data.bones["radius_r"].head_local.z > 0.5


def test_the_same_subject_is_told_nothing(anna: bpy.types.Object, tmp_path: Path) -> None:
    before = rests(anna)
    for fit in (False, True):
        found = land(take_of(solved.OFFSETS), tmp_path, fit=fit)
        assert not found.warnings
        assert_same_rests(rests(anna), before)


@pytest.mark.parametrize("fit", [False, True])
def test_another_rig_is_neither_fitted_nor_offered_to_be(tmp_path: Path, fit: bool) -> None:
    built = rig_builders.mixamo(name="Anna")
    before = rests(built.object)
    found = land(take_of(OTHER), tmp_path, fit=fit)
    assert not offered(found)
    assert_same_rests(rests(built.object), before)


# Fitted


def test_fitted_it_is_as_one_built_from_the_take(anna: bpy.types.Object, tmp_path: Path) -> None:
    take = take_of(OTHER)
    found = land(take, tmp_path, fit=True)
    assert not found.warnings
    assert not found.bone_map
    other = armature.build(take.motion(), name="Other")
    for name, bone in other.data.bones.items():
        fitted = anna.data.bones[name]
        np.testing.assert_allclose(fitted.head_local, bone.head_local, atol=2e-6)
        assert fitted.length == pytest.approx(bone.length, abs=1e-5)
        if any(other.data.bones[child].head_local == bone.tail_local for child in NAMES):
            np.testing.assert_allclose(fitted.tail_local, bone.tail_local, atol=1e-5)
        assert list(fitted[armature.BODY_REST]) == pytest.approx(
            list(bone[armature.BODY_REST]), abs=1e-12
        )
    assert np.linalg.norm(heads_of("Anna", take) - take.poses()[0], axis=-1).max() < NEAR_M
    assert not offered(land(take, tmp_path))


def test_joints_and_limits_stay_on_a_fitted_armature(
    anna: bpy.types.Object, tmp_path: Path
) -> None:
    held = joint_definitions.read(anna)
    assert held is not None
    joint_limits.add(anna, held, tolerance=0.2)
    count = sum(len(bone.constraints) for bone in anna.pose.bones)
    assert count > 0
    take = take_of(OTHER)
    found = land(take, tmp_path, fit=True, with_angles=True, key_angles=True)
    assert np.linalg.norm(heads_of("Anna", take) - take.poses()[0], axis=-1).max() < NEAR_M
    after = joint_definitions.read(anna)
    assert after is not None
    assert [joint.name for joint in after.joints] == [joint.name for joint in held.joints]
    order = [after.names.index(name) for name in NAMES]
    np.testing.assert_allclose(after.positions[order], OTHER, atol=1e-6)
    assert sum(len(bone.constraints) for bone in anna.pose.bones) == count
    assert found.angles > 0
    # Coordinates land on it with the new lengths, without any model.
    path = take.write_npz(tmp_path / "output.npz")
    options = LandingOptions(armature="Anna", rate="capture", capture_rate_hz=120.0)
    landing.land([path], name="Angles", options=options)
    wanted = take.angles_only().poses()[0]
    assert np.linalg.norm(heads_of("Anna", take) - wanted, axis=-1).max() < NEAR_M


def test_earlier_actions_play_with_the_new_lengths(anna: bpy.types.Object, tmp_path: Path) -> None:
    first = take_of(solved.OFFSETS, seed=3)
    earlier = land(first, tmp_path).action
    land(take_of(OTHER), tmp_path, fit=True)
    animated = anna.animation_data
    animated.action = bpy.data.actions[earlier]
    if hasattr(animated, "action_slot"):
        animated.action_slot = animated.action.slots[0]
    values = {**first.values, solved.ROOT: first.values[solved.ROOT].copy()}
    values[solved.ROOT][:, 2] += OTHER[0, 2] - solved.OFFSETS[0, 2]
    wanted = Solved(values=values, offsets=OTHER).poses()[0]
    assert np.linalg.norm(heads_of("Anna", first) - wanted, axis=-1).max() < NEAR_M


@pytest.mark.parametrize("scale", [0.5, 0.01])
def test_a_scaled_object_shows_the_subject_as_large_as_life(
    anna: bpy.types.Object, tmp_path: Path, scale: float
) -> None:
    anna.scale = (scale, scale, scale)
    take = take_of(OTHER)
    found = land(take, tmp_path, fit=True)
    assert not found.warnings
    assert np.linalg.norm(heads_of("Anna", take) - take.poses()[0], axis=-1).max() < NEAR_M
    assert anna.scale[0] == pytest.approx(scale)


def test_a_scaled_object_of_the_same_subject_is_left_alone(
    anna: bpy.types.Object, tmp_path: Path
) -> None:
    anna.scale = (1.5, 1.5, 1.5)
    before = rests(anna)
    take = take_of(solved.OFFSETS)
    found = land(take, tmp_path, fit=True)
    assert not found.warnings
    assert_same_rests(rests(anna), before)
    wanted = 1.5 * take.poses()[0]
    assert np.linalg.norm(heads_of("Anna", take) - wanted, axis=-1).max() < NEAR_M


def test_an_object_that_stands_elsewhere_stays_there(
    anna: bpy.types.Object, tmp_path: Path
) -> None:
    anna.location, anna.rotation_euler = (2.0, -1.0, 0.5), (0.3, 0.1, -2.0)
    bpy.context.view_layer.update()
    take = take_of(OTHER)
    land(take, tmp_path, fit=True)
    world = np.array(anna.matrix_world, np.float64)
    wanted = take.poses()[0] @ world[:3, :3].T + world[:3, 3]
    assert np.linalg.norm(heads_of("Anna", take) - wanted, axis=-1).max() < NEAR_M


# What people made of the armature


def mirrored(built: bpy.types.Object) -> None:
    built.data.use_mirror_x = True


def connected(built: bpy.types.Object) -> None:
    with armature.editing(built):
        for name in ("tibia_r", "talus_r", "tibia_l"):
            built.data.edit_bones[name].use_connect = True


def locked(built: bpy.types.Object) -> None:
    with armature.editing(built):
        for bone in built.data.edit_bones:
            bone.lock = bone.hide = True


def in_a_hidden_collection(built: bpy.types.Object) -> None:
    group = built.data.collections.new("Hidden")
    for bone in built.data.bones:
        group.assign(bone)
    group.is_visible = False


def shared(built: bpy.types.Object) -> None:
    twin = bpy.data.objects.new("Twin", built.data)
    bpy.context.scene.collection.objects.link(twin)
    twin.hide_set(True)


def in_an_excluded_collection(built: bpy.types.Object) -> None:
    group = bpy.data.collections.new("Away")
    bpy.context.scene.collection.children.link(group)
    group.objects.link(built)
    bpy.context.scene.collection.objects.unlink(built)
    bpy.context.view_layer.layer_collection.children["Away"].exclude = True


def at_rest_position(built: bpy.types.Object) -> None:
    built.data.pose_position = "REST"


CHANGES: tuple[Callable[[bpy.types.Object], None], ...] = (
    mirrored, connected, locked, in_a_hidden_collection, shared, in_an_excluded_collection,
    at_rest_position,
)  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_people_made_of_it_each_bone_is_where_its_body_is(
    anna: bpy.types.Object, tmp_path: Path, change: Callable[[bpy.types.Object], None]
) -> None:
    change(anna)
    take = take_of(OTHER)
    land(take, tmp_path, fit=True)
    still = solved.at_rest(offsets=OTHER).poses()[0][0]
    for body, name in enumerate(NAMES):
        head = anna.data.bones[name].head_local
        np.testing.assert_allclose(head, still[body], atol=1e-5, err_msg=name)
    if change in (in_an_excluded_collection, at_rest_position):
        return
    assert np.linalg.norm(heads_of("Anna", take) - take.poses()[0], axis=-1).max() < NEAR_M


def test_bones_that_are_no_bodies_stay_and_missing_ones_stay_away(
    anna: bpy.types.Object, tmp_path: Path
) -> None:
    with armature.editing(anna):
        bones = anna.data.edit_bones
        prop = bones.new("prop")
        prop.head, prop.tail, prop.roll = (0.5, 0.5, 0.5), (0.5, 0.6, 0.7), 0.4
        prop.parent = bones["lunate_r"]
        bones.remove(bones["toes_r"])
    before = rests(anna)["prop"]
    land(take_of(OTHER), tmp_path, fit=True)
    np.testing.assert_allclose(rests(anna)["prop"], before, atol=5e-6)
    assert "toes_r" not in anna.data.bones
    assert anna.data.bones["prop"].parent.name == "lunate_r"


def test_meshes_stay_on_their_bodies(anna: bpy.types.Object, tmp_path: Path) -> None:
    land(take_of(solved.OFFSETS, seed=3), tmp_path, meshes=True)
    take = take_of(OTHER)
    land(take, tmp_path, fit=True)
    motion, row = take.motion(), 20
    glb = mesh_glbs.figure(take_of(solved.OFFSETS, seed=3).motion())
    moment = 1 + 24 * row / 120
    bpy.context.scene.frame_set(int(moment), subframe=moment - int(moment))
    graph = bpy.context.evaluated_depsgraph_get()
    checked = 0
    for entry in anna.children:
        body = NAMES.index(entry.parent_bone)
        shown = entry.evaluated_get(graph)
        local = np.array([vertex.co for vertex in shown.data.vertices], np.float64)
        world = np.array(shown.matrix_world, np.float64)
        found = local @ world[:3, :3].T + world[:3, 3]
        candidates = [
            quaternion.rotate(motion.rotations[row, body], glb.vertices[node])
            + motion.positions[row, body]
            for node, carrier in glb.bodies.items()
            if carrier == entry.parent_bone and len(glb.vertices[node]) == len(found)
        ]
        assert min(np.abs(found - wanted).max() for wanted in candidates) < 2e-5
        checked += 1
    assert checked == len(glb.vertices)


def test_what_hangs_on_another_object_with_the_same_bones_stays_on_its_body(
    anna: bpy.types.Object, tmp_path: Path
) -> None:
    twin = anna.copy()  # as by Alt D: the bones are the same, the object is another
    bpy.context.scene.collection.objects.link(twin)
    hats = []
    for holder in (anna, twin):
        hat = bpy.data.objects.new("Hat", None)
        bpy.context.scene.collection.objects.link(hat)
        hat.parent, hat.parent_type, hat.parent_bone = holder, "BONE", "femur_r"
        hats.append(hat)
    land(take_of(OTHER), tmp_path, fit=True)
    anna.animation_data.action = None
    for bone in anna.pose.bones:
        bone.matrix_basis.identity()
    bpy.context.view_layer.update()
    places = [np.array(hat.matrix_world) for hat in hats]
    np.testing.assert_allclose(places[1], places[0], atol=1e-6)


# What must stay as it is


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
