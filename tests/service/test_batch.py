# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-command `batch` as a process: what lands, what fails, what is sent, what is said."""

from __future__ import annotations

import json
import shutil
import socket
import time
from collections import Counter

from tests.service.batch_fixtures import SOLVER, Begin, begin, kept, takes
from tests.service.batch_line import SAMPLE, ended, wait_for
from tests.service.harness import launch

__all__ = ["begin", "kept"]  # fixtures


def test_takes_land_fail_and_are_told(begin: Begin) -> None:
    line = begin(11, failing=(2,), broken=(7,))
    found = line.run("--concurrency", "4")
    assert found.code == 1, found.said
    good = [number for number in range(1, 12) if number not in (2, 7)]
    assert line.jobs_by_take() == takes(*good, 2)
    assert line.uploads() == takes(*good, 2) + Counter(["markerset.xml"])
    assert {path.name for path in line.out.glob("*.blend")} == {f"walk{n}.blend" for n in good}
    report = line.report()
    rows = report["takes"]
    assert [row["name"] for row in rows] == [f"walk{number}" for number in range(1, 12)]
    assert [row["number"] for row in rows] == list(range(1, 12))
    for row in rows:
        failed = row["number"] in (2, 7)
        assert (row["status"], row["error"] is None) == (("failed", False) if failed else
                                                         ("done", True))  # fmt: skip
        assert row["times"]["begun"] <= row["times"]["ended"]
    assert "walk2.c3d is bad; record it again." in rows[1]["error"]
    assert len(rows[0]["coverage"]) == 39
    assert all(0.8 < entry["share"] <= 1.0 for entry in rows[0]["coverage"])
    assert rows[0]["frames"] == 115
    summary = report["summary"]
    assert (summary["takes"], summary["done"], summary["failed"]) == (11, 9, 2)
    assert found.summary["exit_code"] == 1
    assert (found.count("landed"), found.count("failed"), found.count("started")) == (9, 2, 10)
    lines = [text for text in found.said.splitlines() if text.startswith("[")]
    assert len(lines) == 11
    assert lines[-1].startswith("[11/11] walk")
    page = (line.out / "report.html").read_text()
    assert all(f"walk{number}" in page for number in range(1, 12))
    assert line.key not in page + found.said + (line.out / "report.json").read_text()


def test_started_again_it_does_what_is_left(begin: Begin) -> None:
    line = begin(4, failing=(2,))
    assert line.run("--concurrency", "2").code == 1
    times = {path.name: path.stat().st_mtime_ns for path in line.out.glob("*.blend")}
    first = {row["name"]: row for row in line.report()["takes"]}
    again = line.run("--concurrency", "2")
    assert (again.code, again.count("landed before"), again.count("landed")) == (1, 3, 0)
    assert line.jobs_by_take() == takes(1, 2, 3, 4) + takes(2)
    assert {path.name: path.stat().st_mtime_ns for path in line.out.glob("*.blend")} == times
    assert set(line.uploads().values()) == {1}
    for row in line.report()["takes"]:
        if row["name"] != "walk2":
            assert row["before"]
            assert row == {**first[row["name"]], "before": True}


def test_a_result_that_was_removed_lands_again_and_is_not_paid_again(begin: Begin) -> None:
    line = begin(2)
    assert line.run().code == 0
    (line.out / "walk1.blend").unlink()
    shutil.rmtree(next(line.folder.glob("blender/config/myosapiens/downloads/walk1")))
    again = line.run()
    assert (again.code, again.count("landed"), again.count("landed before")) == (0, 1, 1)
    assert line.jobs_by_take() == takes(1, 2)
    # Another way to land is another landing of the same job.
    other = line.run("--rate", "capture")
    assert (other.code, other.count("landed")) == (0, 2)
    assert [row["frames"] for row in line.report()["takes"]] == [480, 480]
    assert line.jobs_by_take() == takes(1, 2)
    # Another height is another job.
    line.run("--height", "1.9")
    assert line.jobs_by_take() == takes(1, 1, 2, 2)


def test_what_the_machine_does_not_know_is_found_in_the_account(begin: Begin) -> None:
    line = begin(2)
    assert line.run().code == 0
    shutil.rmtree(line.folder / "blender")
    line.out = line.folder / "other"
    assert line.run().code == 0
    assert set(line.uploads().values()) == {1}
    shutil.rmtree(line.folder / "blender")
    line.out = line.folder / "third"
    assert line.run("--no-reuse").code == 0
    assert set(line.uploads().values()) == {2}
    with line.service.api() as api:
        assert api.get("/v1/jobs").json()["total"] == 6


def test_a_part_of_the_table_and_reports_put_together(begin: Begin) -> None:
    line = begin(5, failing=(4,))
    parts = [line.folder / f"part{number}.json" for number in (1, 2, 3)]
    codes = [
        line.run("--rows", rows, "--report", str(part)).code
        for rows, part in zip(("1-2", "3-4", "5-9"), parts, strict=True)
    ]
    assert codes == [0, 1, 0]
    assert line.jobs_by_take() == takes(1, 2, 3, 4, 5)
    assert not (line.out / "report.json").exists()
    words = ("--out", str(line.out), "--reports", *map(str, reversed(parts)), str(parts[0]))
    merged = line.run(*words, name="merge")
    assert merged.code == 1
    assert list(line.statuses().items()) == [
        (f"walk{number}", "failed" if number == 4 else "done") for number in range(1, 6)
    ]
    assert "walk3" in (line.out / "report.html").read_text()
    assert (line.report()["summary"]["done"], line.report()["summary"]["failed"]) == (4, 1)
    (line.folder / "bad.json").write_text('{"takes": [1]}')
    refused = line.run(
        "--out", str(line.out), "--reports", str(line.folder / "bad.json"), name="merge"
    )
    assert refused.code == 2
    assert "bad.json is no report" in refused.said


def test_a_wrong_table_is_told_before_anything_is_sent(begin: Begin) -> None:
    line = begin(2)
    line.table.write_text(f"c3d,markerset,rate\nwalk*.c3d,{SAMPLE / 'markerset.xml'},-5\n")
    found = line.run()
    assert found.code == 2
    assert f"ERROR: {line.table}, line 2, column rate: invalid rate" in found.said
    assert line.uploads() == Counter()


def test_a_refused_key_and_a_service_that_is_not_there(begin: Begin) -> None:
    line = begin(3)
    line.key = "ak_live_secretsecret"
    refused = line.run()
    assert refused.code == 3
    assert "secretsecret" not in refused.said + json.dumps(refused.events)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        line.base_url = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert line.run().code == 4


def test_a_service_that_is_restarted_meanwhile_is_waited_for(begin: Begin) -> None:
    line = begin(6, solve_delay=1.0)
    process = line.start("--concurrency", "2")
    assert wait_for(process, "started", after=2)
    port = int(line.service.base_url.rpartition(":")[2])
    line.service.kill()
    time.sleep(4.0)
    again = launch(line.service.data_dir, solver=SOLVER, workers=4, port=port)
    try:
        found = ended(process)
        assert found.code == 0, found.said
        assert line.jobs_by_take() == takes(1, 2, 3, 4, 5, 6)
    finally:
        again.stop()


def test_who_listens_may_go(begin: Begin) -> None:
    line = begin(3)
    process = line.start("--concurrency", "1")
    assert wait_for(process, "begun")
    for stream in (process.stdout, process.stderr):
        assert stream is not None
        stream.close()
    assert process.wait(timeout=120) == 0
    assert set(line.statuses().values()) == {"done"}


def test_a_service_with_a_rate_limit(begin: Begin) -> None:
    line = begin(8, rate_limit=40)
    found = line.run("--concurrency", "8")
    assert found.code == 0, found.said
    assert line.jobs_by_take() == takes(*range(1, 9))
    assert "all takes do" in found.said
