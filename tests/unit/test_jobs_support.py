# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of an error, and the text for the support: all that helps, no secret."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from types import MappingProxyType

import pytest

from myosapiens_addon.errors import InputError, MyoSapiensError
from myosapiens_addon.jobs import events
from myosapiens_addon.jobs.faults import fault_of
from myosapiens_addon.jobs.folders import hide_folders
from myosapiens_addon.jobs.record import Fault, JobRecord, Stage
from myosapiens_addon.jobs.spec import JobSpec
from myosapiens_addon.jobs.support import support_text
from myosapiens_addon.service import errors
from tests.unit.jobs_bench import Bench, run
from tests.unit.service_stub import KEY, Reply, on

MOMENT = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
TOKEN = "6f9b0d3e-0000-4000-8000-000000000001"
SIGNED = "https://store.example/bucket/motion.glb?X-Amz-Signature=5e0c&X-Amz-Credential=me"
FAULT = Fault(
    sentence="The service failed (503): Busy.",
    kind="ServerError",
    retryable=True,
    request_id="req-7",
    status=503,
    detail="Busy.",
)


def record(**more: object) -> JobRecord:
    made = JobRecord(
        token=TOKEN,
        base_url="https://api.example",
        spec=JobSpec(
            c3d=Path("/home/jane doe/secret film/walk 01.c3d"),
            markerset=Path("/srv/markers/set.xml"),
            out_dir=Path("/home/jane doe/out/walk"),
        ),
        name="walk 01",
        created_at=MOMENT,
        updated_at=MOMENT,
        posted_at=MOMENT,
        stage=Stage.STARTED,
        job_id="j-1",
        revision=2,
        character_id="c-1",
        character_version="v1",
        warnings=("LFHD is 40 mm off",),
        seconds=MappingProxyType({"upload": 1.25, "solve": 30.0}),
        landing=MappingProxyType({"blend": "/home/jane doe/secret film/shot 12.blend", "rate": 24}),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def text_of(job: JobRecord, fault: Fault | None = None) -> str:
    return support_text(
        job,
        fault=fault,
        extension_version="0.3.0",
        blender_version="4.5.1",
        platform="Linux x86_64",
    )


# What is kept of an error


def test_what_the_service_said_is_kept(bench: Bench) -> None:
    reply = Reply(
        422,
        {"detail": [{"loc": ["body", "subject_height"], "msg": f"too tall, {KEY}"}]},
        {"x-request-id": "req-7"},
    )
    bench.stub.faults.append(on("POST", "/v1/runs", reply))
    last = run(bench.begin())[-1]
    assert isinstance(last, events.Failed)
    fault = last.fault
    assert (fault.status, fault.request_id, fault.kind) == (422, "req-7", "RequestError")
    assert fault.detail == "subject_height: too tall, ***"
    assert (fault.sentence, fault.retryable) == (last.sentence, last.retryable)
    assert last.request_id == "req-7"
    assert bench.record().fault == fault


def test_why_a_job_failed_is_kept(bench: Bench) -> None:
    bench.stub.job_status = "FAILED"
    bench.stub.job_extra = {
        "error": {"error_type": "bad_take", "error_message": f"See {SIGNED} with ak_live_abc123"}
    }
    last = run(bench.begin())[-1]
    assert isinstance(last, events.Failed)
    assert last.fault.kind == "JobFailedError"
    assert last.fault.detail == "bad_take: See https://store.example/bucket/motion.glb with ***"
    assert "Amz" not in str(bench.record().as_dict())


@pytest.mark.parametrize(
    "error", [InputError("Wrong."), errors.UnreachableError("Gone."), MyoSapiensError("Odd.")]
)
def test_an_error_that_the_service_had_no_part_in(error: MyoSapiensError) -> None:
    fault = fault_of(error)
    assert (fault.status, fault.request_id, fault.detail) == (None, None, "")
    assert fault.kind == type(error).__name__
    assert fault.retryable is error.retryable


def test_the_service_s_error_behind_ours_is_told() -> None:
    try:
        raise InputError("Choose another.") from errors.NotFoundError(
            "Gone.", status=404, request_id="r", detail={"message": "none"}
        )
    except InputError as error:
        fault = fault_of(error)
    assert (fault.kind, fault.status, fault.request_id) == ("InputError", 404, "r")
    assert fault.detail == "none"


# The text


def test_all_that_helps_is_in_it() -> None:
    assert text_of(record(fault=FAULT)).splitlines() == [
        "MyoSapiens for Blender: 0.3.0",
        "Blender: 4.5.1",
        "Platform: Linux x86_64",
        "Take: walk 01",
        "Files: walk 01.c3d, set.xml",
        "Job: j-1",
        f"Token: {TOKEN}",
        "Stage: started",
        "Started: here",
        "Service: https://api.example",
        "API revision: 2",
        "Character: c-1 v1",
        "Error: The service failed (503): Busy.",
        "Kind: ServerError",
        "HTTP status: 503",
        "Request id: req-7",
        "The service said: Busy.",
        "Warning: LFHD is 40 mm off",
        "Created: 2026-03-01T12:30:15+00:00",
        "Sent to start: 2026-03-01T12:30:15+00:00",
        "Last change: 2026-03-01T12:30:15+00:00",
        "Time spent: upload 1.2 s, solve 30.0 s",
    ]


def test_what_is_not_known_has_no_line() -> None:
    spec = JobSpec(c3d=None, markerset=None, out_dir=Path("/out"))
    bare = JobRecord(
        token=TOKEN, base_url="https://a.example", spec=spec, created_at=MOMENT, updated_at=MOMENT
    )
    text = text_of(replace(bare, adopted=True, job_id="j-2", name=""))
    names = [line.partition(":")[0] for line in text.splitlines()]
    assert "Take: Job j-2" in text
    assert "Started: elsewhere" in text
    assert not {"Files", "Error", "HTTP status", "Sent to start", "Character"} & set(names)
    assert "Job: none yet" in text_of(bare)


def test_a_fault_of_the_landing_goes_before_the_record_s_own() -> None:
    text = text_of(record(fault=FAULT), Fault(sentence="No bone matches.", kind="RigError"))
    assert "Error: No bone matches.\nKind: RigError\n" in text
    assert "503" not in text


def test_no_secret_is_in_it() -> None:
    told = Fault(
        sentence=f"{SIGNED} was refused for {KEY}.",
        kind="TransferError",
        detail=f"key={KEY} at {SIGNED}, or Signature=abc%2Fdef&X-Amz-Security-Token=tok/en==",
    )
    text = text_of(record(warnings=(f"see {SIGNED}#{KEY}",)), told)
    for secret in (KEY, "5e0c", "Credential=me", "abc%2Fdef", "tok/en", "?X-Amz"):
        assert secret not in text, secret
    assert text.count("https://store.example/bucket/motion.glb") == 3


def test_no_folder_is_in_it() -> None:
    sentences = (
        "/home/jane doe/secret film/walk 01.c3d is empty.",
        "/home/jane doe/out/walk cannot be made: Permission denied.",
        "'/home/jane doe/secret film/shot 12.blend' is gone; apply the files with `import`.",
        "/home/jane doe/secret film/other.blend cannot be saved.",
        "/home/jane doe/secret film/hidden/third.blend cannot be saved.",
    )
    text = text_of(record(warnings=sentences))
    for word in ("jane", "secret", "hidden", "/srv", "markers/", "/out"):
        assert word not in text, word
    assert "Warning: walk 01.c3d is empty." in text
    assert "Warning: (folder) cannot be made: Permission denied." in text
    assert "Warning: 'shot 12.blend' is gone; apply" in text
    assert "Warning: other.blend cannot be saved." in text
    assert "Warning: third.blend cannot be saved." in text


def test_lines_stay_lines() -> None:
    text = text_of(record(warnings=("one\nJob: forged\r\x00two",)))
    assert "Warning: one Job: forged two\n" in text
    assert text.count("\nJob: ") == 1


# Folders


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/var/x/walk.c3d cannot be read.", "walk.c3d cannot be read."),
        ("In '/var/x/walk.c3d': bad.", "In 'walk.c3d': bad."),
        ("Write to /var/takes.", "Write to (folder)."),
        ("Write to /var/takes/ first", "Write to (folder) first"),
        ("/var", "(folder)"),
        (r"C:\Users\Jane Doe\takes\walk.c3d is empty", "walk.c3d is empty"),
        ("C:/Users/Jane/walk.c3d is empty", "walk.c3d is empty"),
        (r"'C:\\Users\\Jane\\walk.c3d'", "'walk.c3d'"),
        (r"\\server\share\film\walk.c3d is gone", "walk.c3d is gone"),
        ("~/film/walk.c3d", "walk.c3d"),
        ("~jane/film/walk.c3d", "walk.c3d"),
        ("/home/jané/フィルム/walk.c3d", "walk.c3d"),
        ("a.c3d and /b/c.xml, /d/e.xml", "a.c3d and c.xml, e.xml"),
    ],
)
def test_a_path_becomes_a_file_name(text: str, shown: str) -> None:
    assert hide_folders(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "POST /v1/runs/retarget: the service refuses the request (422).",
        "https://api.example/solver/v1/jobs is not there",
        "http://127.0.0.1:8765/x",
        "1/2 done, 30 frames/s, and/or, km / h, N/A",
        "2026-03-01T12:30:15+00:00",
        "walk.c3d: 40 % of the labels",
        "s3://bucket/key/file.c3d",
    ],
)
def test_what_is_no_path_stays(text: str) -> None:
    assert hide_folders(text) == text


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (PurePosixPath("/a b/c d/take (1), final.c3d"), "take (1), final.c3d"),
        (PurePosixPath("/a b/c: d"), "(folder)"),
        (PureWindowsPath(r"D:\a b\c, d\take 1.c3d"), "take 1.c3d"),
        (PureWindowsPath(r"\\host\share\c, d\take 1.c3d"), "take 1.c3d"),
    ],
)
def test_a_known_path_is_found_however_odd(path: PurePath, shown: str) -> None:
    assert (
        hide_folders(f"{path} is bad; {path.as_posix()!r}", [path]) == f"{shown} is bad; '{shown}'"
    )
    assert hide_folders(f"[{str(path)!r}]", [path]) == f"['{shown}']"


def test_the_root_and_relative_paths_hide_nothing() -> None:
    known = [PurePosixPath("/"), PurePosixPath("."), PurePosixPath("walk.c3d")]
    assert hide_folders("walk.c3d: a/b. Done.", known) == "walk.c3d: a/b. Done."
