# SPDX-License-Identifier: GPL-3.0-or-later
"""No file is sent twice: within a run, by later runs, and from what the account has already."""

from __future__ import annotations

import json
import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from myosapiens_addon.errors import CancelledError, InputError
from myosapiens_addon.jobs import events, uploads_memory
from myosapiens_addon.jobs.settings import PipelineSettings
from myosapiens_addon.jobs.sharing import Sharing
from myosapiens_addon.jobs.uploads import LARGEST_FETCHED_BYTES, Uploads
from myosapiens_addon.jobs.uploads_memory import UploadsMemory
from myosapiens_addon.service.client import Client
from myosapiens_addon.service.errors import AuthenticationError, ServerError
from tests.unit.jobs_bench import FAST, SAMPLE, Bench, check_finished, run
from tests.unit.service_stub import KEY, Received, Reply, StubService, on
from tests.unit.transfer_watch import QUICK

SERVICE = "https://service.example"


def uploads(stub: StubService, folder: Path | None) -> Uploads:
    memory = UploadsMemory(folder / "uploads.json") if folder is not None else None
    return Uploads(base_url=stub.base_url, memory=memory)


def sender(client: Client, path: Path) -> Callable[[], str]:
    return lambda: client.upload_asset(path=path).asset_id


def get(stub: StubService, client: Client, path: Path, folder: Path | None) -> tuple[str, bool]:
    """What a process that was started just now gets."""
    return uploads(stub, folder).get(client, path, sender(client, path))


def sent(stub: StubService) -> int:
    return len(stub.requests("POST", "/v1/assets/initiate"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "markerset.xml"
    path.write_bytes(b"<markers/>" * 100)
    return path


def test_many_takes_that_start_together_send_a_markerset_once(
    stub: StubService, file: Path, tmp_path: Path
) -> None:
    stub.faults.append(lambda received: _slow(received))
    shared = uploads(stub, tmp_path)

    def ask(_number: int) -> tuple[str, bool]:
        with Client(base_url=stub.base_url, api_key=KEY, retry=QUICK) as client:
            return shared.get(client, file, sender(client, file))

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(ask, range(8)))
    assert len({asset_id for asset_id, _ in found}) == 1
    assert [was_there for _, was_there in found].count(False) == 1
    assert sent(stub) == 1


def _slow(received: Received) -> Reply | None:
    if received.origin == "storage":
        threading.Event().wait(0.2)
    return None


def test_without_reuse_it_is_sent_once_a_run(stub: StubService, client: Client, file: Path) -> None:
    first = uploads(stub, None)
    found = [first.get(client, file, sender(client, file)) for _take in range(2)]
    assert found == [(found[0][0], False), (found[0][0], True)]
    assert get(stub, client, file, None)[1] is False
    assert sent(stub) == 2
    assert stub.requests("GET", "/v1/assets") == []


def test_a_later_run_uses_it_again_after_a_look(
    stub: StubService, client: Client, file: Path, tmp_path: Path
) -> None:
    first = get(stub, client, file, tmp_path)
    assert first[1] is False
    assert get(stub, client, file, tmp_path) == (first[0], True)
    assert (sent(stub), len(stub.requests("GET", f"/v1/assets/{first[0]}"))) == (1, 1)
    file.write_bytes(b"changed")
    assert get(stub, client, file, tmp_path)[1] is False


@pytest.mark.parametrize("change", ["deleted", "pending", "another size", "another sum", "refused"])
def test_what_is_not_there_as_it_was_is_sent_again(
    change: str, stub: StubService, client: Client, file: Path, tmp_path: Path
) -> None:
    before, _ = get(stub, client, file, tmp_path)
    if change == "deleted":
        del stub.assets[before]
    elif change == "refused":
        stub.faults.append(
            lambda received: Reply(403, {"detail": "no"}) if before in received.path
            and received.method == "GET" else None
        )  # fmt: skip
    else:
        stub.assets[before] |= {
            "pending": {"status": "pending"},
            "another size": {"size_bytes": 1},
            "another sum": {"checksum_sha256": "0" * 64},
        }[change]
    after, was_there = get(stub, client, file, tmp_path)
    assert (after != before, was_there) == (True, False)
    assert after in (tmp_path / "uploads.json").read_text()
    assert before not in (tmp_path / "uploads.json").read_text()


def test_a_file_of_the_account_is_found_by_its_content(
    stub: StubService, client: Client, file: Path, tmp_path: Path
) -> None:
    stub.add_asset(file.name, b"x" * file.stat().st_size)
    right = stub.add_asset(file.name, file.read_bytes())
    stub.add_asset("other.xml", file.read_bytes())
    assert get(stub, client, file, tmp_path) == (right, True)
    assert sent(stub) == 0
    fetched = [received for received in stub.received if received.origin == "storage"]
    assert len(fetched) == 2
    assert all("x-api-key" not in received.headers for received in fetched)
    assert right in (tmp_path / "uploads.json").read_text()


def test_a_checksum_that_is_told_needs_no_fetching(
    stub: StubService, client: Client, tmp_path: Path
) -> None:
    large = tmp_path / "take.c3d"
    large.write_bytes(b"x" * (LARGEST_FETCHED_BYTES + 1))
    there = stub.add_asset(large.name, large.read_bytes())
    assert get(stub, client, large, tmp_path / "a")[1] is False
    sum_of = uploads(stub, None).content(large).sha256
    stub.assets[there]["checksum_sha256"] = sum_of.upper()
    assert get(stub, client, large, tmp_path / "b") == (there, True)
    assert [one.method for one in stub.received if one.origin == "storage"] == ["POST"]


def test_the_account_is_listed_once_and_not_to_the_end(
    stub: StubService, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("myosapiens_addon.jobs.uploads.MOST_LISTED", 250)
    for number in range(600):
        stub.add_asset(f"{number}.c3d", b"x")
    shared = uploads(stub, tmp_path)
    for number in range(3):
        path = tmp_path / f"new{number}.c3d"
        path.write_bytes(b"%d" % number)
        shared.get(client, path, sender(client, path))
    listed = [one for one in stub.requests("GET", "/v1/assets") if one.path == "/v1/assets"]
    assert len(listed) == 3


def test_an_account_that_cannot_be_listed_costs_an_upload(
    stub: StubService, client: Client, file: Path, tmp_path: Path
) -> None:
    stub.faults.append(on("GET", "/v1/assets", Reply(500, {"detail": "Busy"})))
    assert get(stub, client, file, tmp_path)[1] is False


def test_after_an_upload_that_failed_the_next_one_sends(
    stub: StubService, client: Client, file: Path, tmp_path: Path
) -> None:
    shared = uploads(stub, tmp_path)

    def fail() -> str:
        raise ServerError("It failed.")

    with pytest.raises(ServerError):
        shared.get(client, file, fail)
    assert shared.get(client, file, sender(client, file))[1] is False
    assert sent(stub) == 1


def test_a_file_that_changes_while_it_is_sent_is_not_remembered(
    stub: StubService, client: Client, file: Path, tmp_path: Path
) -> None:
    def change_and_send() -> str:
        file.write_bytes(b"other" * 200)
        return client.upload_asset(path=file).asset_id

    before = file.read_bytes()
    uploads(stub, tmp_path).get(client, file, change_and_send)
    file.write_bytes(before)
    assert get(stub, client, file, tmp_path)[1] is False


def test_who_waits_for_another_upload_can_be_cancelled(
    stub: StubService, file: Path, tmp_path: Path
) -> None:
    shared, begun, go = uploads(stub, tmp_path), threading.Event(), threading.Event()

    def slowly() -> str:
        begun.set()
        go.wait(60)
        return "a"

    cancel = threading.Event()
    with (
        Client(base_url=stub.base_url, api_key=KEY) as one,
        Client(base_url=stub.base_url, api_key=KEY, cancel=cancel) as other,
        ThreadPoolExecutor(2) as threads,
    ):
        first = threads.submit(shared.get, one, file, slowly)
        assert begun.wait(60)
        second = threads.submit(shared.get, other, file, slowly)
        cancel.set()
        with pytest.raises(CancelledError):
            second.result(1.0)
        go.set()
        assert first.result(10) == ("a", False)


def test_a_file_that_cannot_be_read(stub: StubService, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="it does not exist"):
        uploads(stub, None).content(tmp_path / "gone.c3d")


# The memory


def test_the_memory_is_of_one_service_and_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads_memory, "MOST_KEPT", 3)
    memory = UploadsMemory(tmp_path / "a" / "uploads.json")
    for number in range(5):
        memory.remember(SERVICE, f"sum{number}", f"id{number}")
    again = UploadsMemory(tmp_path / "a" / "uploads.json")
    assert [again.recall(SERVICE, f"sum{n}") for n in range(5)] == ["", "", "id2", "id3", "id4"]
    assert again.recall("https://other.example", "sum4") == ""
    again.forget(SERVICE, "id4")
    assert memory.recall(SERVICE, "sum4") == ""


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"schema": 2, "uploads": {}}', b"\xff", b"[" * 99_999]
)
def test_a_damaged_memory_is_begun_anew(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "uploads.json"
    path.write_bytes(content)
    memory = UploadsMemory(path)
    assert memory.recall(SERVICE, "sum") == ""
    memory.remember(SERVICE, "sum", "id")
    assert UploadsMemory(path).recall(SERVICE, "sum") == "id"


def test_a_memory_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    memory = UploadsMemory(tmp_path / "file" / "uploads.json")
    memory.remember(SERVICE, "sum", "id")
    assert memory.recall(SERVICE, "sum") == ""


def _remember_many(path: Path, name: str) -> None:
    memory = UploadsMemory(path)
    for number in range(40):
        memory.remember(SERVICE, f"{name}{number}", f"id-{name}{number}")


def test_several_processes_remember_at_once(tmp_path: Path) -> None:
    path = tmp_path / "uploads.json"
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_remember_many, args=(path, name)) for name in "abc"]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    kept = json.loads(path.read_text())["uploads"][SERVICE]
    assert len(kept) == 120
    assert [entry.name for entry in tmp_path.iterdir()] == ["uploads.json"]


# Pipelines that share


def sharing(bench: Bench) -> Bench:
    bench.settings = _with(bench, UploadsMemory(bench.folder / "uploads.json"))
    return bench


def _with(bench: Bench, memory: UploadsMemory | None) -> PipelineSettings:
    shared = Sharing(uploads=Uploads(base_url=bench.stub.base_url, memory=memory))
    return replace(FAST, sharing=shared)


def test_pipelines_that_share_ask_for_the_character_once(bench: Bench) -> None:
    sharing(bench)
    for _take in range(3):
        assert isinstance(run(bench.begin())[-1], events.Finished)
    assert len(bench.stub.requests("GET", "/v1/characters")) == 2
    assert len(bench.stub.requests("POST", "/v1/characters")) == 1
    assert sent(bench.stub) == 2
    assert len(bench.stub.jobs) == 3


def test_the_take_is_looked_at_and_told(bench: Bench) -> None:
    told = run(sharing(bench).begin())
    (checked,) = [event for event in told if isinstance(event, events.Checked)]
    assert checked.found.info.path == SAMPLE / "walk.c3d"
    assert len(checked.found.coverage) == len(checked.found.matched) == 39


@pytest.mark.parametrize("metadata", [True, False], ids=["metadata", "no metadata"])
def test_a_lost_start_of_a_take_sent_before_is_no_other_job(bench: Bench, metadata: bool) -> None:
    """The take is on the service and was solved before: that job is not the one that was lost."""
    bench.stub.tells_metadata = metadata
    check_finished(bench, run(sharing(bench).begin())[-1])
    (earlier,) = bench.stub.jobs
    lost: list[Received] = []

    def lose(received: Received) -> Reply | None:
        if received.path == "/v1/runs/retarget" and not lost:
            lost.append(received)
            return Reply(lost=True)
        return None

    bench.stub.faults.append(lose)
    sharing(bench)
    last = run(bench.begin())[-1]
    assert isinstance(last, events.Finished)
    assert lost
    assert last.record.job_id != earlier
    assert len(bench.stub.jobs) == 2
    assert last.record.earlier_jobs == (earlier,)


@pytest.mark.parametrize("metadata", [True, False], ids=["metadata", "no metadata"])
def test_a_start_whose_answer_was_lost_is_found_also_for_a_take_sent_before(
    bench: Bench, metadata: bool
) -> None:
    bench.stub.tells_metadata = metadata
    run(sharing(bench).begin())
    cut: list[str] = []

    def lose_answer(received: Received) -> Reply | None:
        if received.path == "/v1/runs/retarget" and not cut:
            bench.stub.handle(received)
            cut.append(received.path)
            return Reply(lost=True)
        return None

    bench.stub.faults.append(lose_answer)
    sharing(bench)
    last = run(bench.begin())[-1]
    assert isinstance(last, events.Finished)
    assert len(bench.stub.jobs) == 2
    assert last.record.job_id == list(bench.stub.jobs)[1]


def test_two_takes_of_one_file_never_take_each_others_job(bench: Bench) -> None:
    """Both starts are in the air, the service tells no metadata, and one's answer is lost."""
    bench.stub.tells_metadata = False
    sharing(bench)
    run(bench.begin())
    first = bench.record()
    lost: list[str] = []

    def lose(received: Received) -> Reply | None:
        if received.path == "/v1/runs/retarget" and not lost:
            lost.append("once")
            return Reply(lost=True)
        # The list at the time of the upload shows nothing yet.
        if received.path == "/v1/jobs" and not lost:
            return Reply(200, {"jobs": [], "total": 0, "limit": 50, "offset": 0})
        return None

    bench.stub.faults.append(lose)
    last = run(bench.begin())[-1]
    assert isinstance(last, events.Finished)
    assert last.record.earlier_jobs == ()
    assert last.record.job_id != first.job_id
    assert len(bench.stub.jobs) == 2


def test_an_asset_that_went_between_upload_and_start_is_sent_again(bench: Bench) -> None:
    sharing(bench)
    run(bench.begin())
    pipeline = bench.begin()
    asset_ids = list(bench.stub.assets)
    for asset_id in asset_ids:
        del bench.stub.assets[asset_id]
    bench.settings = _with(bench, UploadsMemory(bench.folder / "uploads.json"))
    pipeline.abandon()
    last = run(bench.begin())[-1]
    assert isinstance(last, events.Finished)
    assert sent(bench.stub) == 4


def test_a_refused_key_is_told_by_the_upload(bench: Bench) -> None:
    sharing(bench)
    bench.stub.faults.append(on("POST", "/v1/assets/initiate", Reply(401, {"detail": "no"})))
    last = run(bench.begin())[-1]
    assert isinstance(last, events.Failed)
    assert isinstance(last.error, AuthenticationError)
