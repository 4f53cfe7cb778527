# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that run while people work, through a service with a real solve; no window is needed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import bpy
import pytest

import myosapiens_addon
from myosapiens_addon.blender import (
    connection,
    job_actions,
    live,
    preferences,
    properties,
    sidebar,
    support,
)
from myosapiens_addon.blender.account import Link
from myosapiens_addon.blender.operators import jobs as job_operators
from myosapiens_addon.blender.rows import Row, State
from myosapiens_addon.errors import MyoSapiensError
from tests.blender.conftest import LiveService
from tests.blender.live_bench import (
    MARKERSET,
    TAKE,
    at_rest,
    choose,
    delete,
    plan,
    pump_until,
    send,
)


@pytest.fixture(autouse=True)
def enabled(
    live_service: LiveService, own_folders: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The extension, with a service to talk to."""
    monkeypatch.setenv("MYOSAPIENS_API_KEY", live_service.api_key)
    monkeypatch.setenv("MYOSAPIENS_BASE_URL", live_service.base_url)
    myosapiens_addon.register()
    yield
    myosapiens_addon.unregister()


def service_jobs(**more: object) -> dict[str, str]:
    """Id and status of all jobs on the service."""
    with connection.open_client(preferences.read()) as client:
        return {job.job_id: job.status.value for job in client.iter_jobs()}


def states_of(row: Row) -> list[State]:
    """Pump a row to its end; the states it went through."""
    seen: list[State] = []

    def done() -> bool:
        if not seen or seen[-1] is not row.state:
            seen.append(row.state)
        return at_rest(row)()

    pump_until(done)
    return seen


def take_copy(folder: Path, name: str) -> Path:
    path = folder / name
    shutil.copy(TAKE, path)
    return path


def test_a_job_goes_all_the_way_by_itself() -> None:
    before = service_jobs()
    choose(use_height=True, height_m=1.72, gender="MALE")
    (row,) = send()
    states = states_of(row)
    assert states[-1] is State.DONE
    assert {State.UPLOADING, State.RUNNING, State.IMPORTING} <= set(states)
    assert bpy.data.actions["walk"].users
    assert "walk" in bpy.context.scene.objects
    assert len(service_jobs()) == len(before) + 1
    record = live.session().journal.claim(row.token)
    live.session().journal.release(row.token)
    assert record.landed
    assert record.spec.subject.height_m == pytest.approx(1.72)
    assert row.job_id == record.job_id


def test_several_takes_become_a_job_and_an_action_each(tmp_path: Path) -> None:
    takes = [take_copy(tmp_path, name) for name in ("jump.c3d", "run.c3d")]
    before = service_jobs()
    choose(*takes, action_name="not for several")
    rows = send()
    assert [row.name for row in rows] == ["jump", "run"]
    assert [row.name for row in live.session().rows] == ["jump", "run"]
    pump_until(at_rest(*rows), timeout_s=120)
    assert {row.state for row in rows} == {State.DONE}
    assert {action.name for action in bpy.data.actions} == {"jump", "run"}
    assert len(service_jobs()) == len(before) + 2


def test_the_operator_blocks_in_a_script() -> None:
    choose()
    found = bpy.ops.myosapiens.retarget("EXEC_DEFAULT", c3d=str(TAKE), markerset=str(MARKERSET))
    assert found == {"FINISHED"}
    assert "walk" in bpy.data.actions
    with pytest.raises(RuntimeError, match="There is no armature 'Nobody' in the scene"):
        bpy.ops.myosapiens.retarget("EXEC_DEFAULT", c3d=str(TAKE), armature="Nobody")
    with pytest.raises(RuntimeError, match="does not exist"):
        bpy.ops.myosapiens.retarget("EXEC_DEFAULT", c3d="nowhere.c3d", markerset=str(MARKERSET))


def test_what_is_wrong_is_said_before_anything_is_paid() -> None:
    before = service_jobs()
    choose(markerset=Path())
    properties.of_scene(bpy.context.scene).markerset = ""
    with pytest.raises(MyoSapiensError, match="No markerset is chosen"):
        send()
    bpy.ops.object.armature_add()
    choose(target="EXISTING")
    with pytest.raises(RuntimeError, match="not clear which bone of the armature 'Armature'"):
        bpy.ops.myosapiens.retarget("EXEC_DEFAULT")
    assert service_jobs() == before


def test_a_cancelled_job_is_cancelled_on_the_service_too() -> None:
    choose()
    (row,) = send()
    pump_until(lambda: row.state in (State.QUEUED, State.RUNNING))
    job_actions.cancel(live.session(), row)
    assert row.state is State.CANCELING
    pump_until(at_rest(row))
    assert row.state is State.CANCELED
    assert service_jobs()[row.job_id] == "CANCELED"
    assert not bpy.data.actions
    assert row.why_not_cancel()
    assert not row.why_not_retry()


def test_a_cancel_before_the_job_is_sent_sends_nothing() -> None:
    before = service_jobs()
    choose()
    (row,) = send()
    job_actions.cancel(live.session(), row)
    pump_until(at_rest(row))
    assert row.state is State.CANCELED
    assert service_jobs() == before


def test_a_take_that_fails_says_why_and_can_be_tried_again(tmp_path: Path) -> None:
    take = take_copy(tmp_path, "late.c3d")
    choose(take)
    (row,) = send()
    take.write_bytes(b"no take")
    pump_until(at_rest(row))
    assert (row.state, row.is_alert) == (State.FAILED, True)
    assert "late.c3d" in row.sentence
    shutil.copy(TAKE, take)
    job_actions.retry(live.session(), row, plan(None, name="late"))
    pump_until(at_rest(row))
    assert row.state is State.DONE
    assert "late" in bpy.data.actions


def test_a_refused_key_is_told_and_its_details_hide_it(monkeypatch: pytest.MonkeyPatch) -> None:
    key = "ak_live_wrong0123456789"
    monkeypatch.setenv("MYOSAPIENS_API_KEY", key)
    choose()
    (row,) = send()
    pump_until(at_rest(row))
    assert row.state is State.FAILED
    assert row.fault is not None
    assert row.fault.status == 401
    text = support.details(row)
    assert row.fault.request_id
    assert row.fault.request_id in text
    assert key not in text
    assert "wrong0123456789" not in text
    live.account().check()
    pump_until(lambda: live.account().link is not Link.CHECKING)
    assert live.account().link is Link.REFUSED
    monkeypatch.delenv("MYOSAPIENS_API_KEY")
    live.account().check()
    assert live.account().link is Link.NO_KEY
    assert not bpy.ops.myosapiens.retarget.poll()


def test_a_job_survives_quitting_and_disabling() -> None:
    choose()
    (row,) = send()
    pump_until(lambda: row.state in (State.QUEUED, State.RUNNING))
    job_id = row.job_id
    before = service_jobs()
    myosapiens_addon.unregister()
    assert service_jobs()[job_id] != "CANCELED"
    myosapiens_addon.register()
    sidebar.look_after(bpy.context.scene)
    pump_until(lambda: live.session().rows)
    (found,) = live.session().rows
    assert (found.state, found.job_id, found.can_resume) == (State.OFFERED, job_id, True)
    assert "press Go On" in found.sentence
    job_actions.retry(live.session(), found, plan(None, name="again"))
    pump_until(at_rest(found))
    assert found.state is State.DONE
    assert "again" in bpy.data.actions
    assert len(service_jobs()) == len(before)


def test_a_result_that_came_after_another_file_was_opened_waits() -> None:
    choose()
    (row,) = send()
    pump_until(lambda: row.state is State.RUNNING)
    bpy.ops.wm.read_homefile(use_empty=True)
    pump_until(at_rest(row))
    assert row.state is State.READY
    assert "Another file was opened meanwhile" in row.sentence
    assert not bpy.data.actions
    choose()
    assert bpy.ops.myosapiens.import_job("EXEC_DEFAULT", key=row.key) == {"FINISHED"}
    assert "walk" in bpy.data.actions


def test_the_target_is_renamed_or_deleted_while_the_job_runs() -> None:
    choose()
    (first,) = send()
    pump_until(at_rest(first))
    bpy.data.objects["walk"].name = "Hero"
    choose(target="EXISTING", armature=bpy.data.objects["Hero"], action_name="second")
    (renamed,) = send()
    pump_until(lambda: renamed.state is State.RUNNING)
    bpy.data.objects["Hero"].name = "Heroine"
    pump_until(at_rest(renamed))
    assert renamed.state is State.DONE
    assert bpy.data.objects["Heroine"].animation_data.action.name == "second"
    (deleted,) = send()
    pump_until(lambda: deleted.state is State.RUNNING)
    delete(bpy.data.objects["Heroine"])
    actions = len(bpy.data.actions)
    pump_until(at_rest(deleted))
    assert deleted.state is State.READY
    assert "'Heroine' is not in the scene any more" in deleted.sentence
    assert len(bpy.data.actions) == actions
    choose(action_name="")
    assert bpy.ops.myosapiens.import_job("EXEC_DEFAULT", key=deleted.key) == {"FINISHED"}
    assert "walk" in bpy.context.scene.objects


def test_undo_and_redo_while_the_job_runs_lose_nothing() -> None:
    bpy.ops.ed.undo_push(message="begin")
    choose()
    bpy.ops.ed.undo_push(message="chosen")
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Prop", None))
    bpy.ops.ed.undo_push(message="prop")
    (row,) = send()
    pump_until(lambda: row.state is State.RUNNING)
    bpy.ops.ed.undo()
    assert "Prop" not in bpy.data.objects
    bpy.ops.ed.redo()
    bpy.ops.ed.undo()
    pump_until(at_rest(row))
    assert row.state is State.DONE
    assert "walk" in bpy.context.scene.objects


def test_fetched_files_that_are_gone_are_fetched_again() -> None:
    choose()
    (row,) = send()
    pump_until(at_rest(row))
    before = service_jobs()
    for path in row.files:
        path.unlink()
    job_actions.import_result(live.session(), row, plan(None, name="second"))
    pump_until(at_rest(row))
    assert row.state is State.DONE
    assert "second" in bpy.data.actions
    assert service_jobs() == before


def test_jobs_started_elsewhere_are_listed_and_imported(tmp_path: Path) -> None:
    choose(take_copy(tmp_path, "elsewhere.c3d"))
    (row,) = send()
    pump_until(at_rest(row))
    job_id = row.job_id
    bpy.ops.wm.read_homefile(use_empty=True)
    # As on another machine: nothing in the list, nothing in the journal.
    job_actions.remove(live.session(), row)
    pump_until(at_rest(row))
    assert bpy.ops.myosapiens.fetch_jobs("EXEC_DEFAULT") == {"FINISHED"}
    found = next(entry for entry in live.session().rows if entry.job_id == job_id)
    assert found.state is State.REMOTE
    assert not found.why_not_import()
    moments = [entry.created_at for entry in live.session().rows]
    assert moments == sorted(moments, reverse=True)
    before = service_jobs()
    job_actions.import_result(live.session(), found, plan(None, name="fetched"))
    pump_until(at_rest(found))
    assert found.state is State.DONE
    assert "fetched" in bpy.data.actions
    assert service_jobs() == before
    again = len(live.session().rows)
    assert bpy.ops.myosapiens.fetch_jobs("EXEC_DEFAULT") == {"FINISHED"}
    assert len(live.session().rows) == again


def test_files_on_the_service_are_listed_and_one_in_use_is_not_deleted() -> None:
    choose()
    (row,) = send()
    pump_until(at_rest(row))
    assert bpy.ops.myosapiens.fetch_assets("EXEC_DEFAULT") == {"FINISHED"}
    account = live.account()
    used = next(asset for asset in account.assets if asset.filename == "walk.c3d")
    with pytest.raises(RuntimeError, match=r"walk\.c3d stays: a job of the account still refers"):
        bpy.ops.myosapiens.delete_asset("EXEC_DEFAULT", asset_id=used.asset_id)
    assert used in account.assets
    with connection.open_client(preferences.read()) as client:
        free = client.upload_asset(path=MARKERSET).asset_id
    assert bpy.ops.myosapiens.fetch_assets("EXEC_DEFAULT") == {"FINISHED"}
    count = len(account.assets)
    assert bpy.ops.myosapiens.delete_asset("EXEC_DEFAULT", asset_id=free) == {"FINISHED"}
    assert len(account.assets) == count - 1


def test_the_characters_are_known_after_a_test_and_at_the_next_start() -> None:
    assert bpy.ops.myosapiens.test_connection("EXEC_DEFAULT") == {"FINISHED"}
    account = live.account()
    assert account.link is Link.CONNECTED
    assert account.catalogue is not None
    label = next(entry.label for entry in account.catalogue.entries if entry.is_ready)
    group = properties.of_scene(bpy.context.scene)
    group.character = label
    entry = live.character_entry(label)
    assert entry is not None
    assert group.character_id == entry.character_id
    myosapiens_addon.unregister()
    myosapiens_addon.register()
    assert live.account().catalogue is None
    sidebar.look_after(bpy.context.scene)
    pump_until(lambda: live.account().catalogue)
    assert live.character_entry(label) == entry


def test_offline_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYOSAPIENS_BASE_URL", "https://service.invalid")
    monkeypatch.setattr(preferences, "may_leave", lambda: False)
    choose()
    assert not bpy.ops.myosapiens.retarget.poll()
    with pytest.raises(MyoSapiensError, match="Allow Online Access"):
        send()
    live.account().check()
    assert live.account().link is Link.OFFLINE
    assert not live.session().is_busy


def test_going_offline_lets_go_of_running_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    choose()
    (row,) = send()
    pump_until(lambda: row.state in (State.QUEUED, State.RUNNING))
    monkeypatch.setattr(preferences, "may_leave", lambda: False)
    monkeypatch.setattr(preferences, "leaves_machine", lambda _url: True)
    pump_until(at_rest(row))
    assert (row.state, row.can_resume) == (State.OFFERED, True)
    monkeypatch.setattr(preferences, "may_leave", lambda: True)
    assert service_jobs()[row.job_id] != "CANCELED"


def test_names_are_told_only_when_the_preferences_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    choose()
    seen: list[dict[str, object]] = []
    for tells in (False, True):
        monkeypatch.setattr(preferences, "tells_names", lambda tells=tells: tells)
        (row,) = send()
        pump_until(lambda row=row: row.job_id)
        with connection.open_client(preferences.read()) as client:
            seen.append(dict(client.get_job(job_id=row.job_id).metadata or {}))
        job_actions.cancel(live.session(), row)
        pump_until(at_rest(row))
    assert not {"take", "scene", "file"} & set(seen[0])
    assert (seen[1]["take"], seen[1]["scene"]) == ("walk", "Scene")


def test_the_chosen_row_stays_chosen_and_a_new_job_is_chosen() -> None:
    session = live.session()
    session.rows += [Row(name=name, base_url="", state=State.DONE) for name in "ab"]
    sidebar.fill_lists()
    group = properties.of_window()
    group.job_index = 1
    session.rows.append(Row(name="older", base_url="", state=State.REMOTE))
    sidebar.fill_lists()
    assert job_operators.chosen_row().name == "b"
    session.rows.insert(0, Row(name="new", base_url="", state=State.DONE))
    sidebar.fill_lists()
    assert job_operators.chosen_row().name == "new"
