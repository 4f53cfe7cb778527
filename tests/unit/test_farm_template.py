# SPDX-License-Identifier: GPL-3.0-or-later
"""The farm's template by the specification's own library, and the script that its tasks run."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openjd.model import (
    DocumentType,
    StepParameterSpaceIterator,
    create_job,
    decode_job_template,
    document_string_to_object,
    preprocess_job_parameters,
)

from farm import run_part

FOLDER = Path(run_part.__file__).parent
TEMPLATE = FOLDER / "retarget.openjd.yaml"
CONTENT = document_string_to_object(
    document=TEMPLATE.read_text(encoding="utf-8"), document_type=DocumentType.YAML
)
# No extension is allowed: schedulers that know none must take it.
DECODED = decode_job_template(template=CONTENT, supported_extensions=[])
GIVEN = {"TakesFile": "/day/takes.csv", "OutputFolder": "/day/out", "Takes": "1-20"}

posix = pytest.mark.skipif(os.name == "nt", reason="the stand-in for Blender is a shell script")


def job(**values: object) -> tuple[Any, dict[str, str]]:
    """The job with these parameters, and all values that it has."""
    parameters = preprocess_job_parameters(
        job_template=DECODED,
        job_parameter_values={**GIVEN, **{name: str(value) for name, value in values.items()}},
        job_template_dir=FOLDER,
        current_working_dir=Path("/nowhere"),
    )
    made = create_job(job_template=DECODED, job_parameter_values=parameters)
    return made, {name: str(one.value) for name, one in parameters.items()}


def firsts(made: Any) -> list[int]:  # noqa: ANN401
    tasks = StepParameterSpaceIterator(space=made.steps[0].parameterSpace)
    return [int(task["First"].value) for task in tasks]


def words(step: int, values: dict[str, str], first: int = 1) -> list[str]:
    """The words after the script of a step's command, as a session resolves them."""
    action = CONTENT["steps"][step]["script"]["actions"]["onRun"]
    text = "\0".join(action["args"])
    known = {f"Param.{name}": value for name, value in values.items()}
    known["Task.Param.First"] = str(first)
    found = re.sub(r"\{\{\s*(.+?)\s*\}\}", lambda match: known[match[1]], text).split("\0")
    assert found[0] == str(FOLDER / "run_part.py")
    return found[1:]


@settings(max_examples=25, deadline=None)
@given(first=st.integers(1, 3000), more=st.integers(0, 400), size=st.integers(1, 120))
def test_each_take_is_in_one_task(first: int, more: int, size: int) -> None:
    made, values = job(Takes=f"{first}-{first + more}", TakesPerTask=size)
    rows: list[int] = []
    for begin in firsts(made):
        options = run_part.parse(words(0, values, begin))
        row = next(word for word in run_part.batch_words(options) if word.startswith("--rows="))
        low, high = map(int, row.removeprefix("--rows=").split("-"))
        assert high - low < size
        rows += range(low, high + 1)
    assert rows == list(range(first, first + more + 1))
    merged = run_part.parse(words(1, values))
    assert run_part.part_names(merged) == [f"{begin:06d}.json" for begin in firsts(made)]


@pytest.mark.parametrize("takes", ["20", "5-1", "all", "1,3,9", "0-", "-"])
def test_what_are_no_takes(takes: str) -> None:
    with pytest.raises(ValueError, match=r"(?i)range|takes"):
        job(Takes=takes)
    options = run_part.parse(["batch", f"--takes={takes}"])
    with pytest.raises(run_part.FarmError, match="give a first and a last one, as in 1-20"):
        run_part.batch_words(options)


def test_a_task_in_words() -> None:
    _, values = job(
        Markerset="/day/cmu.xml", Blend="/day/rig.blend", TakesPerTask=8, Concurrency=3,
        BaseUrl="https://service.example", Options="--armature 'My Rig'",
    )  # fmt: skip
    assert run_part.batch_words(run_part.parse(words(0, values, 17))) == [
        "batch", "--jobs=/day/takes.csv", "--rows=17-20", "--out=/day/out",
        "--report=/day/out/parts/000017.json", "--state=/day/out/state", "--concurrency=3",
        "--json", "--markerset=/day/cmu.xml", "--blend=/day/rig.blend",
        "--base-url=https://service.example", "--armature", "My Rig",
    ]  # fmt: skip
    _, values = job(StateFolder="/shared/state")
    sparse = run_part.batch_words(run_part.parse(words(0, values, 1)))
    assert "--state=/shared/state" in sparse
    assert not [word for word in sparse if word.startswith(("--markerset", "--blend", "--base"))]


@pytest.mark.parametrize(
    ("started_as", "expected"),
    [
        ("EXTENSION", "B --online-mode --command myosapiens"),
        (
            "SCRIPT",
            "B --background --factory-startup --online-mode --python-exit-code 1 --python S --",
        ),
        ("MODULE", "B S"),
    ],
)
def test_ways_to_start(started_as: str, expected: str) -> None:
    options = run_part.parse(["merge", "--blender=B", "--script=S", f"--started-as={started_as}"])
    assert run_part.program(options) == expected.split()


def test_which_blender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BLENDER", raising=False)
    assert run_part.program(run_part.parse(["merge"]))[0] == "blender"
    monkeypatch.setenv("BLENDER", "/opt/blender-5.2/blender")
    assert run_part.program(run_part.parse(["merge"]))[0] == "/opt/blender-5.2/blender"
    assert run_part.program(run_part.parse(["merge", "--blender=mine"]))[0] == "mine"


def test_it_runs_on_a_worker_s_python() -> None:
    ast.parse(Path(run_part.__file__).read_text(encoding="utf-8"), feature_version=(3, 9))


# With a stand-in for Blender


class StandIn:
    """A program in the place of Blender, which does as the test says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "blender"

    def does(self, script: str) -> None:
        self.path.write_text(f"#!/bin/sh\n{script}\n")
        self.path.chmod(0o755)

    def start(self, action: str, *more: str) -> subprocess.Popen[str]:
        command = [sys.executable, run_part.__file__, action, f"--blender={self.path}", *more]
        return subprocess.Popen(
            [*command, f"--out={self.folder}", "--takes=1-4", "--takes-per-task=2"],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "MYOSAPIENS_API_KEY": "ak_live_secret"},
        )

    def run(self, action: str, *more: str) -> tuple[int, str]:
        process = self.start(action, *more)
        said, _ = process.communicate(timeout=60)
        return process.returncode, said


@pytest.fixture
def blender(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path)


@posix
@pytest.mark.parametrize(
    ("code", "failed_takes", "expected"),
    [
        (0, "FAIL_TASK", 0), (1, "FAIL_TASK", 1), (1, "GO_ON", 0), (2, "GO_ON", 2),
        (3, "GO_ON", 3), (4, "GO_ON", 4), (130, "GO_ON", 130),
    ],
)  # fmt: skip
def test_exit_codes(blender: StandIn, code: int, failed_takes: str, expected: int) -> None:
    blender.does(f'echo \'{{"event": "summary"}}\'; exit {code}')
    assert blender.run("batch", f"--failed-takes={failed_takes}")[0] == expected


@posix
def test_what_broke_before_its_summary_is_no_failed_take(blender: StandIn) -> None:
    blender.does("echo Traceback; exit 1")
    assert blender.run("batch", "--failed-takes=GO_ON")[0] == 1


@posix
def test_a_blender_that_is_killed(blender: StandIn) -> None:
    blender.does("kill -9 $$")
    assert blender.run("batch", "--failed-takes=GO_ON")[0] == 128 + signal.SIGKILL


@posix
def test_progress_for_the_scheduler(blender: StandIn) -> None:
    ends = ("landed before", "started", "landed", "failed", "cancelled")
    lines = [json.dumps({"event": event, "take": "a", "of": 4}) for event in ends]
    told = "\n".join([*lines, "words of Blender", '["no event"]', '{"event": "summary"}'])
    (blender.folder / "told").write_text(told)
    blender.does('echo "$MYOSAPIENS_API_KEY" > "$0.key"; cat "${0%/*}/told"')
    code, said = blender.run("batch")
    assert code == 0
    assert re.findall(r"openjd_progress: (\S+)", said) == ["25.0", "50.0", "75.0", "100.0"]
    assert said.splitlines()[-2:] == ["words of Blender", '["no event"]']
    # The worker's key is there for Blender, and for nobody else to see.
    assert (blender.folder / "blender.key").read_text() == "ak_live_secret\n"
    assert "secret" not in said


@posix
def test_a_polite_kill_is_passed_on(blender: StandIn) -> None:
    blender.does("trap 'echo in order; exit 130' TERM; echo ready; while :; do sleep 0.05; done")
    process = blender.start("batch")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.terminate()
    assert process.communicate(timeout=60)[0] == "in order\n"
    assert process.returncode == 130


@posix
@pytest.mark.parametrize(
    ("script", "code", "sentence"),
    [
        ("echo Blender 4.2.9 LTS", 0, "Blender 4.2.9 LTS: "),
        ("echo warning; echo Blender 5.2.2", 0, "Blender 5.2.2: "),
        ("echo Blender 4.1.1", 2, "openjd_fail: Blender 4.1.1 is too old"),
        ("echo no library >&2; exit 127", 2, "is no Blender that starts (no library)"),
        ("exit 5", 2, "is no Blender that starts (it ended with 5)"),
    ],
)
def test_the_version(blender: StandIn, script: str, code: int, sentence: str) -> None:
    blender.does(script)
    found, said = blender.run("version")
    assert (found, sentence in said) == (code, True), said


@pytest.mark.parametrize("action", ["version", "batch"])
def test_no_blender(blender: StandIn, action: str) -> None:
    code, said = blender.run(action)
    assert code == 2
    assert said.startswith("openjd_fail: ")
    assert "name one with the parameter Blender" in said


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--options=--map 'x"], "The parameter Options cannot be read"),
        (["--started-as=SCRIPT"], "The parameter Script is empty"),
    ],
)
def test_wrong_parameters(blender: StandIn, more: list[str], sentence: str) -> None:
    code, said = blender.run("batch", *more)
    assert (code, sentence in said) == (2, True), said


@posix
def test_the_report_of_a_part_is_missing(blender: StandIn) -> None:
    parts = blender.folder / "parts"
    parts.mkdir()
    (parts / "000001.json").write_text("{}")
    blender.does('pwd > "$0.where"; for word; do echo "$word"; done > "$0.words"')
    code, said = blender.run("merge")
    assert code == 2
    assert f"The report {parts / '000003.json'} is missing" in said
    (parts / "000003.json").write_text("{}")
    # One of a part that is no part of this job: from other sizes.
    (parts / "000002.json").write_text("{}")
    assert blender.run("merge")[0] == 0
    assert (blender.folder / "blender.where").read_text().strip() == str(parts.resolve())
    assert (blender.folder / "blender.words").read_text().split()[3:] == [
        "merge", f"--out={blender.folder}", "--reports", "000001.json", "000003.json",
    ]  # fmt: skip
