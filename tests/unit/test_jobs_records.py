# SPDX-License-Identifier: GPL-3.0-or-later
"""Records: written by earlier versions, named for people, and what goes with a job."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from myosapiens_addon.jobs import events
from myosapiens_addon.jobs.journal import Journal
from myosapiens_addon.jobs.record import Fault, JobRecord, Stage
from myosapiens_addon.jobs.spec import JobSpec
from tests.unit.jobs_bench import Bench, check_finished, run

TOKEN = "01174969-c2bf-407a-afb8-ac1a0dffd16f"
# As the first version of the journal wrote it.
EARLIER: dict[str, Any] = {
    "schema": 1,
    "token": TOKEN,
    "base_url": "https://api.example",
    "spec": {
        "c3d": "/takes/walk 01.c3d",
        "markerset": "/takes/set.xml",
        "out_dir": "/out/walk",
        "character_id": None,
        "character_version": None,
        "subject": {"height_m": 1.7, "weight_kg": None, "gender": None},
        "enable_scaling": True,
        "options": {
            "mocap_scale": None,
            "rotation": None,
            "clip_length": -1,
            "chunk_size": -1,
            "disable_contacts": True,
            "n_frames_scaling": 10,
        },
        "metadata": {"shot": "12"},
        "outputs": None,
    },
    "created_at": "2026-11-25T04:11:54.828674+00:00",
    "updated_at": "2026-11-25T04:11:54.829815+00:00",
    "stage": "started",
    "c3d_asset_id": "a",
    "markerset_asset_id": "b",
    "character_id": "c",
    "character_version": "v1",
    "posted_at": "2026-11-25T04:11:54.829805+00:00",
    "job_id": "j-1",
    "revision": 2,
    "outputs": {},
    "files": {},
    "seconds": {"upload": 1.5},
    "warnings": ["careful"],
    "fault": {
        "sentence": "It broke.",
        "kind": "ServerError",
        "retryable": True,
        "request_id": "r",
    },
    "landing": {"armature": "Rig"},
    "landed": False,
}


def journal_with(folder: Path, content: dict[str, Any]) -> Journal:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{content['token']}.json").write_text(json.dumps(content))
    return Journal(folder)


def test_a_record_of_an_earlier_version(tmp_path: Path) -> None:
    journal = journal_with(tmp_path, EARLIER)
    (record,) = journal.unfinished()
    assert (record.name, record.take_name, record.adopted) == ("walk 01", "walk 01", False)
    assert record.spec.inputs() == (Path("/takes/walk 01.c3d"), Path("/takes/set.xml"))
    assert record.fault == Fault(
        sentence="It broke.", kind="ServerError", retryable=True, request_id="r"
    )
    assert journal.find_job("j-1") == record
    claimed = journal.claim(TOKEN)
    journal.update(claimed, stage=Stage.SOLVED)
    (again,) = journal.load_all()
    assert (again.stage, again.name) == (Stage.SOLVED, "walk 01")


def test_an_earlier_job_goes_on_to_its_end(bench: Bench) -> None:
    crashed = bench.begin()
    content = json.loads(next((bench.folder / "journal").glob("*.json")).read_text())
    crashed.abandon()
    assert EARLIER.keys() - content.keys() == set()
    earlier = {name: content[name] for name in EARLIER}
    journal_with(bench.folder / "journal", earlier)
    check_finished(bench, run(bench.resume(crashed.token))[-1])
    assert bench.record().take_name == "walk"


def test_an_earlier_version_reads_what_a_job_of_this_one_holds(bench: Bench) -> None:
    """The schema has not changed: what was there is there, and no less."""
    run(bench.begin())
    content = json.loads(next((bench.folder / "journal").glob("*.json")).read_text())
    assert content["schema"] == 1
    assert content.keys() - EARLIER.keys() == {"name", "adopted", "earlier_jobs"}
    assert content["spec"].keys() == EARLIER["spec"].keys()


def test_what_a_later_version_says_of_a_fault_is_left_out(tmp_path: Path) -> None:
    content = copy.deepcopy(EARLIER)
    content["fault"] |= {"status": 503, "detail": "Busy.", "mood": "bad"}
    (record,) = journal_with(tmp_path, content).load_all()
    assert record.fault is not None
    assert (record.fault.status, record.fault.detail) == (503, "Busy.")


def test_a_fault_that_is_none_is_set_aside(tmp_path: Path) -> None:
    journal = journal_with(tmp_path, {**EARLIER, "fault": {"status": 503}})
    assert journal.load_all() == []
    assert len(list(tmp_path.glob("*.bad"))) == 1


# Names


@pytest.mark.parametrize(
    ("name", "c3d", "shown"),
    [
        ("jump", "/t/walk.c3d", "jump"),
        ("", "/t/Läufer 跑.v2.c3d", "Läufer 跑.v2"),
        ("two\nlines\t here", None, "two lines here"),
        ("", "/t/bad\udcffname.c3d", "bad name"),
        ("", None, "Job j-123456"),
        (" \0 ", None, "Job j-123456"),
    ],
)
def test_the_name_to_show(name: str, c3d: str | None, shown: str) -> None:
    spec = {**EARLIER["spec"], "c3d": c3d, "markerset": c3d and "/t/set.xml"}
    record = JobRecord.from_dict({**EARLIER, "job_id": "j-1234567", "spec": spec, "name": name})
    assert record.take_name == shown


def test_a_job_without_an_id_yet_is_named_by_its_token() -> None:
    spec = {**EARLIER["spec"], "c3d": None, "markerset": None}
    record = JobRecord.from_dict({**EARLIER, "job_id": None, "spec": spec})
    assert record.take_name == f"Job {TOKEN[:8]}"


def test_a_new_record_has_the_name_of_its_take(bench: Bench) -> None:
    assert bench.begin().record.name == "walk"


# What is told with a job


def test_metadata_of_any_script_and_length(bench: Bench) -> None:
    metadata = {
        "scene": "撮影 ☂ Żółć",
        "file": "x" * 5000,
        "take": "bad\udcffname\0with\nbreaks",
        "empty": "",
    }
    check_finished(bench, run(bench.begin(metadata=metadata))[-1])
    (job,) = bench.stub.jobs.values()
    assert job["body"]["metadata"] == {
        "scene": "撮影 ☂ Żółć",
        "file": "x" * 200,
        "take": "bad name with breaks",
        "empty": "",
        "myosapiens_client_token": bench.record().token,
    }
    assert bench.record().spec.metadata == metadata


def test_metadata_takes_no_place_of_the_token(bench: Bench) -> None:
    last = run(bench.begin(metadata={"myosapiens_client_token": "mine"}))[-1]
    assert isinstance(last, events.Finished)
    (job,) = bench.stub.jobs.values()
    assert job["body"]["metadata"] == {"myosapiens_client_token": last.token}


def test_a_specification_is_of_files_or_of_none() -> None:
    spec = {**EARLIER["spec"], "c3d": None, "markerset": None}
    assert JobSpec.from_dict(spec).as_dict() == spec
