# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of an import of several files, and what goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import bpy
import pytest

from myosapiens_addon.blender import armature
from myosapiens_addon.blender.compat import curves_of
from tests.blender import rig_builders
from tests.blender.headless_bench import (
    OF_NPZ,
    Run,
    assert_angles,
    c3d,
    folder_of,
    run_fixture,  # noqa: F401
)
from tests.helpers import mesh_glbs, solved
from tests.helpers.motions import NAMES


def report_of(path: Path) -> dict[str, object]:
    takes = json.loads(path.read_text())["takes"]
    assert len(takes) == 1
    return takes[0]


# Takes


def test_the_report_of_all_files_at_once(run: Run, tmp_path: Path) -> None:
    take, out, report = solved.take(), tmp_path / "out.blend", tmp_path / "r.json"
    files = [
        take.write_glb(tmp_path / "motion.glb", meshes=True, told_hz=30.0),
        take.write_qpos(tmp_path / "qpos.parquet"),
        take.write_xpos(tmp_path / "xpos.parquet"),
        take.write_npz(tmp_path / "output.npz"),
    ]
    said = run(
        "import", "--output", *files, "--take", c3d(tmp_path / "take.c3d"), "--new-armature",
        "--model", solved.write_model(tmp_path / "model.xml"), "--limits", "--meshes", "--markers",
        "--joint-angles", "--angles-out", tmp_path / "angles.csv", "--set-range",
        "--name", "Walk", "--out", out, "--report", report,
    )  # fmt: skip
    assert (said.code, said.errors) == (0, [])
    row = report_of(report)
    assert (row["status"], row["source"]) == ("done", "motion.glb")
    assert (row["action"], row["armature"], row["frames"]) == ("Walk", "Walk", 7)
    assert row["capture_rate"] == pytest.approx(120.0)
    assert row["joint_angles"] == len(OF_NPZ)
    assert row["meshes"] == len(mesh_glbs.figure(take.motion()).vertices)
    assert row["angles_file"] == str(tmp_path / "angles.csv")
    xpos = row["xpos"]
    assert isinstance(xpos, dict)
    assert 0.0 <= xpos["mean_mm"] <= xpos["largest_mm"] < 0.001
    assert (xpos["bodies"], xpos["frames"]) == (len(NAMES), 31)
    assert xpos["body"] in NAMES
    assert xpos["bone_heads"]["bone"] in NAMES
    assert xpos["bone_heads"]["largest_mm"] < 0.02
    warnings = row["warnings"]
    assert isinstance(warnings, list)
    assert [text for text in warnings if "4 times too slowly" in text]
    assert "Bodies are within 0.001 mm of xpos" in said.out
    assert "bone heads within 0.00" in said.out
    seconds = row["seconds"]
    assert isinstance(seconds, dict)
    assert seconds["extras"] > 0.0
    assert_angles(tmp_path / "angles.csv", take)
    bpy.ops.wm.open_mainfile(filepath=str(out))
    built = bpy.data.objects["Walk"]
    assert len([entry for entry in built.children if entry.type == "MESH"]) == row["meshes"]
    paths = [curve.data_path for curve in curves_of(bpy.data.actions["Walk"])]
    assert len([path for path in paths if path.startswith("[")]) == len(OF_NPZ)
    assert (bpy.context.scene.frame_start, bpy.context.scene.frame_end) == (1, 7)


def test_the_report_says_nothing_of_what_is_not_there(run: Run, tmp_path: Path) -> None:
    path = solved.take().write_glb(tmp_path / "motion.glb")
    report = tmp_path / "r.json"
    said = run("import", "--output", path, "--out", tmp_path / "o.blend", "--report", report)
    assert said.code == 0
    row = report_of(report)
    assert (row["xpos"], row["joint_angles"], row["meshes"], row["angles_file"]) == (None, 0, 0, "")
    assert "xpos" not in said.out
    assert row["warnings"] == []


def test_a_rig_has_no_bone_heads_to_compare(run: Run, tmp_path: Path) -> None:
    take, report = solved.take(), tmp_path / "r.json"
    files = [take.write_glb(tmp_path / "motion.glb"), take.write_xpos(tmp_path / "xpos.parquet")]
    rig_builders.mixamo()
    said = run(
        "import", "--output", *files, "--armature", "Armature", "--out", tmp_path / "o.blend",
        "--report", report,
    )  # fmt: skip
    assert said.code == 0
    xpos = report_of(report)["xpos"]
    assert isinstance(xpos, dict)
    assert xpos["bone_heads"] is None
    assert xpos["largest_mm"] < 0.001
    assert "bone heads" not in said.out
    assert "of xpos" in said.out


def test_a_body_that_is_elsewhere_is_in_the_report_and_the_sentence(
    run: Run, tmp_path: Path
) -> None:
    take, report = solved.take(), tmp_path / "r.json"
    xpos = take.write_xpos(tmp_path / "xpos.parquet", off_m={"talus_r": 0.017})
    path = take.write_glb(tmp_path / "motion.glb")
    out = tmp_path / "o.blend"
    said = run("import", "--output", path, xpos, "--out", out, "--report", report)
    assert said.code == 0
    found = report_of(report)["xpos"]
    assert isinstance(found, dict)
    assert found["largest_mm"] == pytest.approx(17.0, abs=0.01)
    assert (found["body"], found["bone_heads"]["bone"]) == ("talus_r", "talus_r")
    assert "within 17 mm of xpos, 1 mm on average, at talus_r" in said.out
    assert "WARNING: The body talus_r is 17 mm" in said.err


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_angles_are_only_written_where_only_that_is_asked_for(
    run: Run, tmp_path: Path, ending: str
) -> None:
    if ending == ".parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not in this Python")
    take, out, report = solved.take(), tmp_path / "o.blend", tmp_path / "r.json"
    files = [take.write_glb(tmp_path / "motion.glb"), take.write_npz(tmp_path / "output.npz")]
    rig_builders.mixamo()
    said = run(
        "import", "--output", *files, "--armature", "Armature", "--out", out, "--report", report,
        "--angles-out", tmp_path / f"angles{ending}",
    )  # fmt: skip
    assert said.code == 0
    row = report_of(report)
    assert row["joint_angles"] == 0
    assert row["angles_file"] == str(tmp_path / f"angles{ending}")
    assert_angles(tmp_path / f"angles{ending}", take)
    bpy.ops.wm.open_mainfile(filepath=str(out))
    action = bpy.data.objects["Armature"].animation_data.action
    assert not [curve for curve in curves_of(action) if curve.data_path.startswith("[")]


def test_angles_that_are_not_there_are_a_warning(run: Run, tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    path = solved.take().write_glb(tmp_path / "motion.glb")
    said = run(
        "import", "--output", path, "--out", tmp_path / "o.blend", "--report", report,
        "--angles-out", tmp_path / "angles.csv",
    )  # fmt: skip
    assert said.code == 0
    row = report_of(report)
    assert (row["status"], row["angles_file"]) == ("done", "")
    assert not (tmp_path / "angles.csv").exists()
    warnings = row["warnings"]
    assert isinstance(warnings, list)
    assert [text for text in warnings if text.startswith("There are no joint angles")]
    assert "WARNING: There are no joint angles" in said.err


def test_an_armature_is_fitted_or_that_is_offered(run: Run, tmp_path: Path) -> None:
    take, report = solved.take(offsets=solved.larger(1.1, "ulna_r")), tmp_path / "r.json"
    path = take.write_glb(tmp_path / "motion.glb")
    armature.build(solved.take().motion(), name="Anna")
    words = ["--armature", "Anna", "--out", tmp_path / "o.blend", "--report", report]
    assert run("import", "--output", path, *words).code == 0
    warnings = report_of(report)["warnings"]
    assert isinstance(warnings, list)
    assert [text for text in warnings if "--fit-armature" in text]
    assert run("import", "--output", path, *words, "--fit-armature").code == 0
    assert report_of(report)["warnings"] == []
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "o.blend"))
    bones = bpy.data.objects["Anna"].data.bones
    span = (bones["ulna_r"].head_local - bones["humerus_r"].head_local).length
    assert span == pytest.approx(1.1 * 0.29, abs=1e-5)


WRONG_IMPORT = {
    "no such model": (["--model", "gone.xml"], "model"),
    "a broken model": (["--model", "damaged.xml"], "damaged.xml"),
    "another's model": (["--output", "output.npz", "--model", "crane.xml"], "names no joint of cr"),
    "no model": (["--output", "output.npz", "--capture-rate", "120"], "choose its model"),
    "no speed": (["--output", "output.npz", "--model", "model.xml"], "holds no times"),
    "no such take": (["--take", "gone.c3d"], "gone.c3d is not there"),
    "a damaged take": (["--take", "damaged.c3d"], "damaged.c3d"),
    "no table": (["--angles-out", "angles.xlsx"], "angles.xlsx is no table"),
    "a folder as table": (["--angles-out", "folder.csv"], "is a folder"),
    "a file as folder": (["--angles-out", "model.xml/a.csv"], "cannot be written"),
    "positions only": (["--output", "xpos.parquet"], "positions only"),
}


@pytest.mark.parametrize("case", WRONG_IMPORT)
def test_wrong_words_on_an_import_get_one_sentence_and_a_report(
    run: Run, tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    take = solved.take()
    take.write_npz(tmp_path / "output.npz")
    take.write_glb(tmp_path / "motion.glb")
    if case == "positions only":
        take.write_xpos(tmp_path / "xpos.parquet")
    solved.write_model(tmp_path / "model.xml")
    (tmp_path / "crane.xml").write_text(
        '<mujoco model="crane"><worldbody><body name="boom"><geom size="1"/>'
        '<joint name="swing"/></body></worldbody></mujoco>'
    )
    for name in ("damaged.c3d", "damaged.xml"):
        (tmp_path / name).write_bytes(b"nothing")
    (tmp_path / "folder.csv").mkdir()
    before = folder_of(tmp_path)
    words, sentence = WRONG_IMPORT[case]
    said = run(
        "import", "--output", "motion.glb", "--out", "out.blend", *words, "--report", "r.json"
    )
    assert (said.code, said.out) == (2, "")
    assert len(said.errors) == 1
    assert sentence in said.errors[0]
    row = report_of(tmp_path / "r.json")
    assert row["status"] == "failed"
    assert row["error"] == said.errors[0].removeprefix("ERROR: ")
    assert folder_of(tmp_path) == sorted([*before, "r.json"])
    assert not bpy.data.actions
    assert not bpy.data.armatures


def test_a_missing_library_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without pyarrow Parquet can be neither read nor written: told before the work."""
    from myosapiens_addon.errors import InputError
    from myosapiens_addon.motion import parquet

    def missing(_part: str) -> None:
        raise InputError(parquet.MISSING.format(why=""))

    monkeypatch.setattr(parquet, "load", missing)
    monkeypatch.setattr(parquet, "available", lambda: False)
    path = solved.take().write_glb(tmp_path / "motion.glb")
    out = tmp_path / "o.blend"
    said = run("import", "--output", path, "--out", out, "--angles-out", tmp_path / "a.parquet")
    assert said.code == 2
    assert len(said.errors) == 1
    assert "pyarrow, which is not here" in said.errors[0]
    assert not out.exists()
