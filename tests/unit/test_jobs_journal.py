# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: ANN401 - what tests pass on is anything
"""The journal: on disk before anything else, whole at any moment, owned by one."""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from myosapiens_addon.errors import InputError
from myosapiens_addon.jobs import lock as lock_module
from myosapiens_addon.jobs.journal import JobBusyError, Journal, JournalError
from myosapiens_addon.jobs.lock import FileLock
from myosapiens_addon.jobs.record import Fault, JobRecord, Stage, now
from myosapiens_addon.jobs.spec import JobSpec, SolveOptions, Subject

ROOT = Path(__file__).resolve().parents[2]
URL = "https://api.example"
SPEC = JobSpec(
    c3d=Path("walk.c3d"),
    markerset=Path("set.xml"),
    out_dir=Path("out"),
    subject=Subject(height_m=1.7, weight_kg=60.0, gender="female"),
    options=SolveOptions(rotation="yup_to_zup"),
    metadata={"shot": "12"},
)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


def other(journal: Journal) -> Journal:
    """As another process sees it."""
    return Journal(journal.directory)


def test_a_record_is_on_disk_with_all_it_holds(journal: Journal) -> None:
    record = journal.create(SPEC, base_url=URL, landing={"armature": "Rig", "rate": 24})
    record = journal.update(
        record,
        stage=Stage.SOLVED,
        c3d_asset_id="a",
        markerset_asset_id="b",
        character_id="c",
        character_version="v1",
        posted_at=now(),
        job_id="j",
        revision=2,
        outputs={"motion": "m"},
        files={"motion": Path("/out/motion.glb")},
        seconds={"upload": 1.5},
        warnings=("careful",),
        fault=Fault(sentence="It broke.", kind="ServerError", retryable=True, request_id="r"),
    )
    (read,) = other(journal).load_all()
    for field in fields(JobRecord):
        if field.name != "spec":
            assert getattr(read, field.name) == getattr(record, field.name), field.name
    assert read.spec.c3d == Path.cwd() / "walk.c3d"
    assert read.spec.subject == SPEC.subject
    assert read.spec.options == SPEC.options


def test_tokens_are_not_the_same_twice(journal: Journal) -> None:
    tokens = {journal.create(SPEC, base_url=URL).token for _ in range(20)}
    assert len(tokens) == 20
    assert len(journal.load_all()) == 20


def test_the_oldest_comes_first(journal: Journal) -> None:
    made = [journal.create(SPEC, base_url=URL).token for _ in range(10)]
    assert [record.token for record in journal.load_all()] == made


def test_what_is_unfinished_and_what_has_not_landed(journal: Journal) -> None:
    records = {stage: journal.create(SPEC, base_url=URL) for stage in Stage}
    for stage, record in records.items():
        journal.update(record, stage=stage)
    assert journal.unfinished() == []  # all are being worked on
    for record in records.values():
        journal.release(record.token)
    open_stages = {record.stage for record in other(journal).unfinished()}
    assert open_stages == set(Stage) - {Stage.FINISHED, Stage.FAILED, Stage.CANCELED}
    (finished,) = journal.unlanded()
    journal.update(finished, landed=True)
    assert journal.unlanded() == []


def test_forgetting(journal: Journal) -> None:
    record = journal.create(SPEC, base_url=URL)
    with pytest.raises(JobBusyError):
        other(journal).forget(record.token)
    journal.forget(record.token)
    assert list(journal.directory.iterdir()) == []
    journal.forget(record.token)


def test_an_empty_or_missing_folder(tmp_path: Path) -> None:
    assert Journal(tmp_path / "none").load_all() == []
    assert Journal(tmp_path / "none").unfinished() == []


@pytest.mark.parametrize("token", ["../../etc/passwd", "x", ""])
def test_a_token_becomes_no_path(journal: Journal, token: str) -> None:
    with pytest.raises(InputError):
        journal.claim(token)


def test_a_job_that_is_not_there(journal: Journal) -> None:
    token = "6f9b0d3e-0000-4000-8000-000000000001"
    with pytest.raises(InputError, match="has no job"):
        journal.claim(token)
    assert journal.is_free(token)


# Files that are none


def spoil_torn(content: dict[str, Any]) -> str:
    return json.dumps(content)[:200]


def spoil_stage(content: dict[str, Any]) -> str:
    return json.dumps({**content, "stage": "dreaming"})


def spoil_missing(content: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in content.items() if name != "spec"})


def spoil_subject(content: dict[str, Any]) -> str:
    content["spec"]["subject"]["height_m"] = 170
    return json.dumps(content)


def spoil_token(content: dict[str, Any]) -> str:
    return json.dumps({**content, "token": "6f9b0d3e-0000-4000-8000-000000000001"})


SPOILT = [
    spoil_torn,
    spoil_stage,
    spoil_missing,
    spoil_subject,
    spoil_token,
    lambda _content: "",
    lambda _content: "[]",
    lambda _content: "null",
    lambda _content: "\0" * 512,
]


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_spoilt_file_is_set_aside_and_kept(
    journal: Journal, spoil: Any, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = (journal.create(SPEC, base_url=URL) for _ in range(2))
    path = journal.directory / f"{bad.token}.json"
    text = spoil(json.loads(path.read_text()))
    path.write_text(text)
    with caplog.at_level(logging.WARNING):
        assert [record.token for record in other(journal).load_all()] == [good.token]
    assert "set aside" in caplog.text
    (aside,) = journal.directory.glob("*.bad")
    assert aside.read_text() == text


def test_a_file_of_a_later_version_is_left_alone(journal: Journal) -> None:
    record = journal.create(SPEC, base_url=URL)
    path = journal.directory / f"{record.token}.json"
    text = json.dumps({"schema": 99, "new": True})
    path.write_text(text)
    assert other(journal).load_all() == []
    assert path.read_text() == text


def test_leftovers_of_a_crash_while_writing_are_no_records(journal: Journal) -> None:
    record = journal.create(SPEC, base_url=URL)
    (journal.directory / f".{record.token}.123.456.tmp").write_text("{")
    assert len(other(journal).load_all()) == 1


def test_a_write_that_fails_leaves_the_record_as_it_was(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = journal.create(SPEC, base_url=URL)

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(JournalError, match="No space left"):
            journal.update(record, stage=Stage.UPLOADED)
        with pytest.raises(JournalError):
            journal.create(SPEC, base_url=URL)
    (read,) = journal.load_all()
    assert read.stage is Stage.CREATED
    assert list(journal.directory.glob(".*.tmp")) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match="cannot be written"):
        Journal(tmp_path / "file" / "journal").create(SPEC, base_url=URL)


def test_a_reader_never_sees_half_a_record(journal: Journal) -> None:
    record = journal.create(SPEC, base_url=URL)
    stop = threading.Event()

    def write() -> None:
        mine = record
        while not stop.is_set():
            mine = journal.update(mine, warnings=("long",) * (len(mine.warnings) + 50))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(200):
            assert len(other(journal).load_all()) == 1
    finally:
        stop.set()
        thread.join()
    assert list(journal.directory.glob("*.bad")) == []


# Owners


def test_two_owners_are_one_too_many(journal: Journal) -> None:
    record = journal.create(SPEC, base_url=URL)
    for rival in (journal, other(journal)):
        with pytest.raises(JobBusyError):
            rival.claim(record.token)
    journal.release(record.token)
    rival = other(journal)
    assert rival.claim(record.token).token == record.token
    with pytest.raises(JobBusyError):
        journal.claim(record.token)


def test_many_that_claim_at_once_get_it_one_at_a_time(journal: Journal) -> None:
    record = journal.create(SPEC, base_url=URL)
    journal.release(record.token)
    inside, most, wins = [0], [0], [0]
    guard = threading.Lock()

    def work() -> None:
        mine = other(journal)
        for _ in range(30):
            try:
                mine.claim(record.token)
            except JobBusyError:
                continue
            with guard:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                wins[0] += 1
            with guard:
                inside[0] -= 1
            mine.release(record.token)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 1
    assert wins[0] > 8


OWNER = """
import sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from myosapiens_addon.jobs.journal import Journal
Journal(Path({folder!r})).claim({token!r})
print("owned", flush=True)
time.sleep(60)
"""


@pytest.fixture
def owning(journal: Journal) -> Iterator[tuple[JobRecord, subprocess.Popen[str]]]:
    record = journal.create(SPEC, base_url=URL)
    journal.release(record.token)
    code = OWNER.format(root=str(ROOT), folder=str(journal.directory), token=record.token)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "owned\n"
    yield record, process
    process.kill()
    process.wait()


def test_another_process_owns_it_until_it_is_killed(
    journal: Journal, owning: tuple[JobRecord, subprocess.Popen[str]]
) -> None:
    record, process = owning
    lock = journal.directory / f"{record.token}.lock"
    assert lock.read_text().split()[0] == str(process.pid)
    assert journal.unfinished() == []
    with pytest.raises(JobBusyError):
        journal.claim(record.token)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [found.token for found in journal.unfinished()] == [record.token]
    assert journal.claim(record.token).token == record.token


def no_space(_handle: int, _bytes: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_has_locks_all_the_same(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = FileLock(journal.directory / "a.lock")
    journal.directory.mkdir(parents=True, exist_ok=True)
    with monkeypatch.context() as full:
        full.setattr(os, "write", no_space)
        assert lock.acquire()
    assert not FileLock(journal.directory / "a.lock").acquire()
    lock.release()
    assert FileLock(journal.directory / "a.lock").acquire()


@pytest.mark.skipif(os.name == "nt", reason="locks of Windows")
def test_a_file_system_without_locks_is_told_of_once(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import fcntl

    def unsupported(_handle: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    lock_module._warn_once.cache_clear()
    monkeypatch.setattr(fcntl, "flock", unsupported)
    for _record in range(3):
        journal.release(journal.create(SPEC, base_url=URL).token)
    assert [text for text in caplog.messages if "no locks" in text] == [
        "This file system has no locks: one process at a time, please."
    ]
