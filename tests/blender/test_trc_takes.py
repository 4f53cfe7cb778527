# SPDX-License-Identifier: GPL-3.0-or-later
"""TRC takes inside Blender: chosen, summarised, checked and solved like C3D."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np
import pytest

import myosapiens_addon
from myosapiens_addon.blender import headless, live, paths, properties
from myosapiens_addon.blender.operators.retarget import why_not_ready
from myosapiens_addon.blender.operators.takes import MYOSAPIENS_FH_takes
from myosapiens_addon.service.address import normalise_base_url
from myosapiens_addon.service.revisions import Revision
from myosapiens_addon.takes import c3d
from tests.blender.conftest import ROOT, LiveService
from tests.blender.live_bench import MARKERSET, TAKE, pump_until
from tests.helpers.trc_writer import TrcWriter

MODEL = ROOT / "scripts" / "local_service" / "solve" / "skeleton.xml"


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """The shipped take as TRC."""
    info = c3d.read_info(TAKE)
    points = np.concatenate(list(c3d.iter_points(TAKE, info)))[..., :3]
    writer = TrcWriter(labels=list(info.labels), points=points, rate_hz=info.rate_hz)
    return writer.write(tmp_path / "walk.trc")


@pytest.fixture
def registered() -> Iterator[None]:
    myosapiens_addon.register()
    yield
    myosapiens_addon.unregister()


@pytest.mark.usefixtures("registered")
def test_a_dropped_trc_is_summarised_and_ready(sample: Path) -> None:
    files = [{"name": sample.name}]
    assert bpy.ops.myosapiens.add_takes(directory=str(sample.parent), files=files) == {"FINISHED"}
    group = properties.of_scene(bpy.context.scene)
    group.markerset, group.target = str(MARKERSET), "NEW"
    assert [take.name for take in group.takes] == ["walk.trc"]
    live.summaries().want(str(sample), str(MARKERSET))
    live.summaries().want(str(TAKE), str(MARKERSET))
    pump_until(lambda: live.summaries().find(str(sample), str(MARKERSET)))
    pump_until(lambda: live.summaries().find(str(TAKE), str(MARKERSET)))
    found = live.summaries().find(str(sample), str(MARKERSET))
    assert found is not None
    assert (found.score, found.frames, found.errors) == ("39/39", 480, ())
    assert found == live.summaries().find(str(TAKE), str(MARKERSET))
    assert why_not_ready() == ""


@pytest.mark.usefixtures("registered")
def test_a_spoilt_trc_says_why(tmp_path: Path) -> None:
    spoilt = tmp_path / "spoilt.trc"
    spoilt.write_text("PathFileType\t4\n")
    bpy.ops.myosapiens.add_takes(filepath=str(spoilt))
    properties.of_scene(bpy.context.scene).markerset = str(MARKERSET)
    live.summaries().want(str(spoilt), str(MARKERSET))
    pump_until(lambda: live.summaries().find(str(spoilt), str(MARKERSET)))
    assert "spoilt.trc is damaged" in why_not_ready()


@pytest.mark.usefixtures("registered")
def test_the_browser_and_the_viewport_take_both_kinds() -> None:
    assert set(MYOSAPIENS_FH_takes.bl_file_extensions.split(";")) == {".c3d", ".trc"}
    shown = bpy.ops.myosapiens.add_takes.get_rna_type().properties["filter_glob"].default
    assert set(shown.split(";")) == {"*.c3d", "*.trc"}


def run(*words: str | Path) -> int:
    return headless.main([str(word) for word in words], program="test")


def test_headless_preflight(sample: Path, capfd: pytest.CaptureFixture[str]) -> None:
    told = []
    for take in (sample, TAKE):
        headless.flush()
        capfd.readouterr()
        assert run("preflight", "--json", "--c3d", take, "--markerset", MARKERSET) == 0
        told.append(json.loads(capfd.readouterr().out))
    assert told[0]["c3d"] == str(sample)
    own = ("c3d", "byte_order")
    ours, theirs = ({k: v for k, v in one.items() if k not in own} for one in told)
    assert ours == theirs
    assert run("retarget", "--help") == 0
    assert "C3D or TRC" in capfd.readouterr().out


@pytest.fixture
def words(
    sample: Path, live_service: LiveService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[str | Path]:
    monkeypatch.setenv("MYOSAPIENS_API_KEY", live_service.api_key)
    return [
        "retarget", "--c3d", sample, "--markerset", MARKERSET, "--new-armature",
        "--rate", "capture", "--out", tmp_path / "out.blend", "--report", tmp_path / "r.json",
        "--base-url", live_service.base_url,
    ]  # fmt: skip


def test_headless_retarget(words: list[str | Path], tmp_path: Path) -> None:
    assert run(*words) == 0
    (row,) = json.loads((tmp_path / "r.json").read_text())["takes"]
    assert (row["status"], row["frames"], row["error"]) == ("done", 480, None)
    assert row["c3d"].endswith("walk.trc")
    assert row["capture_rate"] == pytest.approx(100.0, abs=1e-3)
    assert "walk" in row["action"]


def test_a_service_known_to_read_none_is_sent_nothing(
    words: list[str | Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    paths.revision_memory().remember(normalise_base_url(str(words[-1])), Revision.ONE)
    # With the character's definition, which results of that revision need in any case.
    assert run(*words, "--model", MODEL) == 2
    sentence = "revision 1 of the API, which takes C3D files alone: export walk.trc as C3D."
    assert sentence in capfd.readouterr().err
    (row,) = json.loads((tmp_path / "r.json").read_text())["takes"]
    assert row["error"].endswith(sentence)
    assert row["job_id"] in (None, "")
    assert not (tmp_path / "out.blend").exists()
