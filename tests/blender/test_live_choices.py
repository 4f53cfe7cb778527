# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel's choices come to, and what is refused with a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import bpy
import pytest

import myosapiens_addon
from myosapiens_addon.blender import choices, live, paths, preferences, properties, row_events
from myosapiens_addon.blender.operators.retarget import why_not_ready
from myosapiens_addon.blender.panels.subject import speaks_revision_2
from myosapiens_addon.errors import InputError, RigError
from myosapiens_addon.jobs import events
from myosapiens_addon.service.revisions import Revision
from tests.blender.live_bench import MARKERSET, TAKE, choose, delete, pump_until


@pytest.fixture(autouse=True)
def enabled() -> Iterator[None]:
    myosapiens_addon.register()
    yield
    myosapiens_addon.unregister()


def read() -> choices.Choices:
    return choices.read(bpy.context.scene)


def test_all_choices_reach_the_job() -> None:
    choose(
        gender="FEMALE", use_height=True, height_m=1.62, use_weight=True, weight_kg=58.5,
        enable_scaling=False, rotation="yup_to_zup", units="10", use_clip=True, clip_length=120,
        use_contacts=True, scaling_frames=25, rate="CUSTOM", custom_rate=50.0, start_frame=101,
        set_range=True, action_name=" Jump ",
    )  # fmt: skip
    wanted = read()
    spec = choices.spec_for(wanted, str(TAKE), tell_names=False)
    assert (spec.c3d, spec.markerset, spec.enable_scaling) == (TAKE, MARKERSET, False)
    assert (spec.subject.gender, spec.subject.height_m) == ("female", pytest.approx(1.62))
    assert spec.subject.weight_kg == pytest.approx(58.5)
    options = spec.options
    assert (options.rotation, options.mocap_scale, options.clip_length) == ("yup_to_zup", 10, 120)
    assert (options.disable_contacts, options.n_frames_scaling) == (False, 25)
    assert not spec.metadata
    plan = choices.plan_for(live.session(), wanted, name="walk")
    assert (plan.name, plan.target) == ("Jump", None)
    assert (plan.options.rate, plan.options.start_frame, plan.options.set_range) == (50, 101, True)


def test_what_is_not_chosen_is_left_to_the_service() -> None:
    choose()
    spec = choices.spec_for(read(), str(TAKE), tell_names=False)
    assert (spec.subject.gender, spec.subject.height_m, spec.subject.weight_kg) == (None,) * 3
    assert (spec.character_id, spec.options.mocap_scale, spec.options.clip_length) == (
        None, None, -1,
    )  # fmt: skip
    assert spec.options.disable_contacts


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    choose()
    group = properties.of_scene(bpy.context.scene)
    group.takes[0].filepath, group.markerset = "//takes/a.c3d", "//m.xml"
    wanted = read()
    assert wanted.takes == (str(tmp_path / "takes" / "a.c3d"),)
    assert wanted.markerset == str(tmp_path / "m.xml")
    spec = choices.spec_for(wanted, wanted.takes[0], tell_names=True)
    assert dict(spec.metadata) == {"take": "a", "scene": "Scene", "file": "scene.blend"}


def test_the_target_is_the_chosen_one_else_the_active_else_the_only() -> None:
    choose(target="EXISTING")
    with pytest.raises(RigError, match="choose New Armature"):
        read()
    bpy.ops.object.armature_add()
    first = bpy.context.object
    bpy.context.view_layer.objects.active = None
    assert read().target.name == first.name
    bpy.ops.object.armature_add()
    second = bpy.context.object
    assert read().target.name == second.name
    bpy.context.view_layer.objects.active = None
    with pytest.raises(RigError, match="2 armatures: choose one"):
        read()
    group = properties.of_scene(bpy.context.scene)
    group.armature = first
    assert read().target.name == first.name
    delete(first)
    # The picker keeps the deleted object in the file, but it is no target any more.
    assert read().target.name == second.name


def test_readiness_is_told_in_the_order_of_the_work(tmp_path: Path) -> None:
    assert "No take is chosen" in why_not_ready()
    choose()
    group = properties.of_scene(bpy.context.scene)
    group.markerset = ""
    assert "No markerset is chosen" in why_not_ready()
    broken = tmp_path / "broken.c3d"
    broken.write_bytes(b"none")
    choose(broken)
    live.summaries().want(str(broken), str(MARKERSET))
    pump_until(lambda: live.summaries().find(str(broken), str(MARKERSET)))
    assert "broken.c3d is no C3D file" in why_not_ready()
    choose(target="EXISTING")
    assert "no armature" in why_not_ready()
    choose()
    assert why_not_ready() == ""


def test_dropped_takes_are_added_once_and_others_refused(tmp_path: Path) -> None:
    folder = str(TAKE.parent)
    files = [{"name": "walk.c3d"}, {"name": "walk.c3d"}]
    assert bpy.ops.myosapiens.add_takes(directory=folder, files=files) == {"FINISHED"}
    group = properties.of_scene(bpy.context.scene)
    assert [take.name for take in group.takes] == ["walk.c3d"]
    with pytest.raises(RuntimeError, match=r"note\.txt is no take: choose C3D or TRC files"):
        bpy.ops.myosapiens.add_takes(directory=folder, files=[{"name": "note.txt"}])
    assert bpy.ops.myosapiens.choose_markerset(filepath=str(MARKERSET)) == {"FINISHED"}
    assert group.markerset == str(MARKERSET)
    with pytest.raises(RuntimeError, match="choose an XML file"):
        bpy.ops.myosapiens.choose_markerset(filepath=str(TAKE))
    bpy.ops.myosapiens.remove_take()
    assert not group.takes
    assert not bpy.ops.myosapiens.remove_take.poll()


def test_markersets_used_are_remembered(own_folders: Path) -> None:
    recent = live.recent()
    recent.use(str(MARKERSET))
    recent.use("/elsewhere/other.xml".replace("/elsewhere", str(own_folders)))
    pump_until(lambda: not live.session().is_busy)
    myosapiens_addon.unregister()
    myosapiens_addon.register()
    live.recent().load()
    pump_until(lambda: live.recent().markersets)
    assert live.recent().markersets[1] == str(MARKERSET)
    bpy.ops.myosapiens.add_takes(filepath=str(TAKE))
    group = properties.of_scene(bpy.context.scene)
    assert group.markerset.endswith("other.xml")


def test_new_takes_begin_with_the_preferences(monkeypatch: pytest.MonkeyPatch) -> None:
    class Kept:
        enable_scaling, gender, rate, custom_rate, set_range = False, "MALE", "CUSTOM", 50.0, True
        parallel_jobs = 1

    monkeypatch.setattr(preferences, "stored", Kept)
    group = properties.of_scene(bpy.context.scene)
    group.gender = "FEMALE"
    bpy.ops.myosapiens.add_takes(filepath=str(TAKE))
    assert (group.rate, group.set_range, group.enable_scaling) == ("CUSTOM", True, False)
    assert group.gender == "FEMALE"


def test_options_of_revision_2_are_greyed_on_a_server_of_revision_1(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MYOSAPIENS_BASE_URL", "http://127.0.0.1:1")
    assert speaks_revision_2()
    paths.revision_memory().remember("http://127.0.0.1:1", Revision.ONE)
    assert not speaks_revision_2()


def test_bytes_and_times_are_told_for_people() -> None:
    row = row_events.Row(name="walk", base_url="")
    message = events.Uploading(
        token="t", name="walk.c3d", bytes_done=45_300_000, bytes_total=300_000_000
    )
    row_events.apply(row, message)
    assert row.status == "Sending walk.c3d, 45.3 MB of 300.0 MB, 15%"
    assert row_events.size(999) == "999 B"
    assert row_events.duration(125) == "2:05 min"


def test_a_wrong_value_is_a_sentence() -> None:
    choose(use_height=True)
    properties.of_scene(bpy.context.scene)["height_m"] = 9.0
    with pytest.raises(InputError, match="height"):
        read()
