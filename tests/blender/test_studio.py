# SPDX-License-Identifier: GPL-3.0-or-later
"""A studio's settings in Blender: what goes before what, what is locked, what is refused."""

from __future__ import annotations

import json
import logging
import sys
import threading
from pathlib import Path

import bpy
import pytest

from myosapiens_addon.blender import (
    choices,
    connection,
    headless,
    headless_takes,
    live,
    paths,
    preferences,
    properties,
    studio,
)
from myosapiens_addon.blender.account import Link
from myosapiens_addon.blender.operators import takes
from myosapiens_addon.errors import InputError
from myosapiens_addon.retarget.mapping import presets
from myosapiens_addon.service.errors import AuthenticationError
from tests.blender.conftest import ROOT
from tests.blender.studio_bench import (
    Write,
    plain_fixture,  # noqa: F401
    seat_fixture,  # noqa: F401
    write_fixture,  # noqa: F401
)
from tests.unit import service_stub

TAKE = ROOT / "scripts" / "sample" / "walk.c3d"


SEATS_KEY, STUDIOS_KEY = "ak_live_of_the_seat", "ak_live_of_the_studio"


DEFAULTS = '[defaults]\nenable_scaling = false\ngender = "male"\nrate = 50\nset_range = true\n'


# What goes before what


def test_without_a_file_nothing_is_set_and_no_thread_is_started() -> None:
    before = threading.active_count()
    studio.start()
    assert not studio.is_being_read()
    assert threading.active_count() == before
    assert preferences.read().base_url == preferences.DEFAULT_BASE_URL


def test_an_unlocked_value_is_below_the_seats_own(
    write: Write, seat: preferences.MYOSAPIENS_preferences, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        '[service]\nbase_url = "https://studio.example"\nparallel_jobs = 7\npoll_interval_s = 9\n'
    )
    found = preferences.read()
    assert (found.base_url, found.parallel_jobs) == ("https://studio.example", 7)
    assert found.poll_interval_s == 9.0
    seat.base_url, seat.parallel_jobs = "https://seat.example", 2
    found = preferences.read()
    assert (found.base_url, found.parallel_jobs) == ("https://seat.example", 2)
    monkeypatch.setenv("MYOSAPIENS_BASE_URL", "https://environment.example")
    assert preferences.read().base_url == "https://environment.example"
    assert preferences.read(base_url="https://asked.example").base_url == "https://asked.example"
    seat.property_unset("base_url")
    monkeypatch.delenv("MYOSAPIENS_BASE_URL")
    assert preferences.read().base_url == "https://studio.example"


def test_a_locked_value_goes_before_everything(
    write: Write, seat: preferences.MYOSAPIENS_preferences, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(
        'lock = ["service"]\n[service]\nbase_url = "https://studio.example"\nparallel_jobs = 7\n'
    )
    seat.base_url, seat.parallel_jobs = "https://seat.example", 2
    monkeypatch.setenv("MYOSAPIENS_BASE_URL", "https://environment.example")
    found = preferences.read()
    assert (found.base_url, found.parallel_jobs) == ("https://studio.example", 7)
    assert preferences.read(base_url="https://studio.example/").base_url == found.base_url
    with pytest.raises(InputError, match="cannot be chosen here") as refused:
        preferences.read(base_url="https://asked.example")
    assert str(file) in refused.value.sentence


@pytest.mark.parametrize("lock", ["", 'lock = ["key"]\n'])
def test_the_key_comes_from_seat_or_studio(
    write: Write,
    seat: preferences.MYOSAPIENS_preferences,
    monkeypatch: pytest.MonkeyPatch,
    lock: str,
) -> None:
    monkeypatch.setenv("STUDIO_KEY", STUDIOS_KEY)
    write(f'{lock}[key]\nenv = "STUDIO_KEY"\n')
    assert preferences.read().require_key() == STUDIOS_KEY
    assert preferences.read().key_source == "the variable STUDIO_KEY"
    seat.api_key = SEATS_KEY
    assert preferences.read().require_key() == (STUDIOS_KEY if lock else SEATS_KEY)
    monkeypatch.setenv("MYOSAPIENS_API_KEY", "ak_live_of_the_environment")
    wanted = STUDIOS_KEY if lock else "ak_live_of_the_environment"
    assert preferences.read().require_key() == wanted
    monkeypatch.delenv("STUDIO_KEY")
    if lock:
        with pytest.raises(AuthenticationError, match="STUDIO_KEY, which is not set"):
            preferences.read().require_key()


def test_a_key_from_a_command_is_got_in_the_thread_that_sends(write: Write, tmp_path: Path) -> None:
    log = tmp_path / "asked"
    # In two pieces: a key that stands in the file as a whole is refused.
    head, tail = service_stub.KEY[:4], service_stub.KEY[4:]
    code = f"open({str(log)!r}, 'w'); print({head!r} + {tail!r})"
    with service_stub.running() as stub:
        write(
            f"[key]\ncommand = {json.dumps([sys.executable, '-c', code])}\n"
            f'[service]\nbase_url = "{stub.base_url}"\n'
        )
        access = connection.allowed(preferences.read())
        assert not log.exists()
        with access.client() as client:
            client.list_jobs()
        (received,) = stub.received
    assert received.headers["x-api-key"] == service_stub.KEY
    assert service_stub.KEY not in repr(access)


def test_a_key_file_that_is_missing_refuses_the_key(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preferences, "may_leave", lambda: True)
    write('[key]\nfile = "none.txt"\n')
    access = connection.allowed(preferences.read())
    with pytest.raises(AuthenticationError, match=r"none\.txt cannot be read"):
        access.client()


# Nothing is sent to another place


@pytest.mark.parametrize(
    "text",
    [
        'lock = ["service.base_url"]\n[service]\nbase_url = "http://studio.example"\n',
        'lock = ["service.base_url"]\n[service]\nbase_ulr = "https://studio.example"\n',
        'lock = ["key"]\n[key]\nvalue = "ak_live_in_the_file"\n',
        "lock = [\n",
    ],
)
def test_locked_and_wrong_nothing_is_sent(
    write: Write,
    seat: preferences.MYOSAPIENS_preferences,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
) -> None:
    monkeypatch.setenv("MYOSAPIENS_API_KEY", SEATS_KEY)
    with service_stub.running() as stub:
        seat.base_url = stub.base_url
        file = write(text)
        with pytest.raises(InputError, match="Nothing is sent until") as refused:
            preferences.read()
        assert str(file) in refused.value.sentence
        live.account().check()
        assert live.account().link is Link.FAILED
        assert live.account().sentence == refused.value.sentence
        assert not bpy.ops.myosapiens.fetch_jobs.poll()
        assert headless.main(["jobs", "--base-url", stub.base_url], program="test") == 2
        assert stub.received == []


def test_a_wrong_file_leaves_the_rest_at_work(
    write: Write, seat: preferences.MYOSAPIENS_preferences
) -> None:
    file = write('[service]\nparallel_jobs = "many"\npoll_interval_s = 9\n')
    assert preferences.read().poll_interval_s == 9.0
    assert preferences.read().parallel_jobs == preferences.DEFAULT_PARALLEL_JOBS
    (fault,) = studio.current().faults
    assert fault.sentence.startswith(f"{file}, line 2: service.parallel_jobs must be")


def test_the_command_line_warns_on_standard_error(
    write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    file = write("[service]\nx = 1\n")
    headless.flush()
    capfd.readouterr()
    assert headless.main(["maps", "--json"], program="test") == 0
    headless.flush()
    said = capfd.readouterr()
    assert said.err.startswith(f"WARNING: {file}, line 2: service.x is no setting;")
    assert "maps" in json.loads(said.out)


# What new takes begin with


def test_new_takes_begin_with_the_studios_choices(
    write: Write, seat: preferences.MYOSAPIENS_preferences
) -> None:
    write(DEFAULTS)
    seat.gender = "FEMALE"
    scene = bpy.context.scene
    takes.add_takes(scene, [TAKE])
    group = properties.of_scene(scene)
    assert (group.rate, group.custom_rate) == ("CUSTOM", 50.0)
    assert (group.enable_scaling, group.set_range) == (False, True)
    assert group.gender == "FEMALE"
    group.rate = "SCENE"
    assert choices.landing_of(scene, None).rate == "scene"


def test_locked_choices_hold_whatever_a_scene_says(
    write: Write, seat: preferences.MYOSAPIENS_preferences
) -> None:
    write(f'lock = ["defaults"]\n{DEFAULTS}')
    scene = bpy.context.scene
    group = properties.of_scene(scene)
    group.target, group.rate, group.gender = "NEW", "SCENE", "FEMALE"
    group.enable_scaling, group.set_range = True, False
    found = choices.read(scene)
    assert (found.landing.rate, found.landing.set_range) == (50.0, True)
    assert (found.subject.gender, found.enable_scaling) == ("male", False)


def parsed(*words: str) -> object:
    line = ["retarget", "--c3d", "a.c3d", "--markerset", "b.xml", "--out", "c.blend", *words]
    return headless.parser("test").parse_args(line)


def test_the_command_line_begins_with_the_studios_choices(write: Write) -> None:
    plain_options = parsed()
    assert (plain_options.rate, plain_options.no_scaling) == ("scene", False)
    write(DEFAULTS)
    options = parsed()
    assert (options.rate, options.gender) == (50.0, "male")
    assert (options.no_scaling, options.set_range) == (True, True)
    options = parsed("--rate", "capture", "--scaling", "--no-set-range", "--gender", "female")
    assert (options.rate, options.gender) == ("capture", "female")
    assert (options.no_scaling, options.set_range) == (False, False)
    assert headless_takes.landing_options(options).rate == "capture"


@pytest.mark.parametrize("words", [("--rate", "capture"), ("--scaling",), ("--gender", "female")])
def test_the_command_line_cannot_change_what_is_locked(
    write: Write, words: tuple[str, ...]
) -> None:
    file = write(f'lock = ["defaults"]\n{DEFAULTS}')
    assert headless_takes.landing_options(parsed("--rate", "50")).rate == 50.0
    with pytest.raises(InputError, match="cannot be chosen here") as refused:
        headless_takes.landing_options(parsed(*words))
    assert str(file) in refused.value.sentence


@pytest.mark.parametrize("lock", ["", 'lock = ["service.parallel_jobs"]\n'])
def test_a_batch_has_no_more_takes_at_a_time_than_the_studio_allows(
    write: Write,
    lock: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(preferences, "may_leave", lambda: False)
    write(f"{lock}[service]\nparallel_jobs = 3\n")
    assert preferences.read_parallel_jobs(2) == 2
    table = tmp_path / "takes.csv"
    table.write_text(f"c3d,markerset\n{TAKE},{TAKE.with_name('markerset.xml')}\n")
    words = ["batch", "--jobs", str(table), "--out", str(tmp_path / "out"), "--concurrency", "4"]
    headless.flush()
    capfd.readouterr()
    assert headless.main(words, program="test") == 2
    headless.flush()
    said = capfd.readouterr().err
    assert ("At most 3 jobs may run at once, not 4. Set by the studio" in said) == bool(lock)
    assert ("stay offline" in said) != bool(lock)


# Bone maps


def test_the_studios_bone_maps_are_offered_beside_the_users(
    write: Write, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "maps"
    folder.mkdir()
    layout = {"format": "bone-map", "version": 1, "bones": {"pelvis": "Hip", "head": "Head"}}
    for name, title in (("house", "House rig"), ("hero", "Hero, the studio's")):
        (folder / f"{name}.json").write_text(json.dumps({**layout, "title": title}))
    (folder / "broken.json").write_text("{")
    own = paths.user_directory("maps") / "hero.json"
    own.write_text(json.dumps({**layout, "title": "Hero, my own"}))
    write('[maps]\nfolder = "maps"\n')
    assert presets.find("house", paths.bone_maps()).is_shared
    assert presets.find("hero", paths.bone_maps()).title == "Hero, my own"
    write('lock = ["maps.folder"]\n[maps]\nfolder = "maps"\n')
    assert presets.find("hero", paths.bone_maps()).title == "Hero, the studio's"
    headless.flush()
    capfd.readouterr()
    assert headless.main(["maps"], program="test") == 0
    assert "House rig (your studio's)" in capfd.readouterr().out


def test_faults_are_warned_of_in_the_log(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    write("[service]\nx = 1\n")
    with caplog.at_level(logging.WARNING):
        studio.tell_faults(logging.getLogger("test"))
    assert "service.x is no setting" in caplog.text
