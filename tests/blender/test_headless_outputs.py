# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line on outputs: what lands is in the report; what is wrong is one sentence."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
import pytest

from myosapiens_addon.blender import armature, headless, joint_definitions, joint_limits
from myosapiens_addon.blender.compat import curves_of
from tests.blender import rig_builders
from tests.helpers import mesh_glbs, solved
from tests.helpers.c3d_writer import C3DWriter
from tests.helpers.motions import NAMES
from tests.helpers.solved import Solved

NEAR_RAD = 1e-6
OF_NPZ = {*solved.HINGES, *solved.SHOULDER_ANGLES}


@dataclass(frozen=True)
class Said:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, object]:
        return json.loads(self.out)

    @property
    def errors(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.startswith("ERROR")]


Run = Callable[..., Said]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str | Path) -> Said:
        headless.flush()
        capfd.readouterr()
        code = headless.main([str(word) for word in words], program="test")
        said = capfd.readouterr()
        assert "Traceback" not in said.err
        return Said(code, said.out, said.err)

    return call


def folder_of(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


def table(path: Path) -> tuple[list[str], np.ndarray]:
    """Header and values of a table on disk."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        return rows[0], np.array(rows[1:], float)
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not in this Python")
    found = parquet.read_table(path)
    values = np.stack([column.to_numpy() for column in found.columns], axis=1)
    return found.column_names, values


def assert_angles(path: Path, take: Solved, names: set[str] = OF_NPZ) -> None:
    header, values = table(path)
    if "patella_ty_r [m]" in header:
        column = header.index("patella_ty_r [m]")
        np.testing.assert_allclose(values[:, column], take.values["patella_ty_r"], atol=1e-9)
        header, values = header[:column] + header[column + 1 :], np.delete(values, column, axis=1)
    end = " [deg]" if path.suffix == ".csv" else ""
    assert header[0] == ("time [s]" if end else "time")
    np.testing.assert_allclose(values[:, 0], take.times, atol=1e-9)
    truth = take.angles() | {solved.PATELLA[1]: take.values[solved.PATELLA[1]]}
    assert set(header[1:]) == {name + end for name in names}
    for column, name in enumerate(header[1:], start=1):
        wanted = truth[name.removesuffix(end)]
        np.testing.assert_allclose(np.radians(values[:, column]), wanted, atol=NEAR_RAD)


def c3d(path: Path, *, frames: int = 31, rate_hz: float = 120.0) -> Path:
    points = np.zeros((frames, 3, 4))
    return C3DWriter(points=points, rate_hz=rate_hz).write(path)


# Armatures


def test_an_armature_is_built_from_a_definition(run: Run, tmp_path: Path) -> None:
    model, out = solved.write_model(tmp_path / "model.xml"), tmp_path / "new" / "anna.blend"
    said = run("armature", "--model", model, "--limits", "--out", out, "--json")
    assert said.code == 0
    data = said.data
    assert (data["armature"], data["bones"], data["joints"]) == ("small", len(NAMES), 19)
    assert data["coordinates"] == 7 + 4 + 17
    assert data["out"] == str(out)
    assert folder_of(out.parent) == ["anna.blend"]
    bpy.ops.wm.open_mainfile(filepath=str(out))
    built = bpy.context.scene.objects["small"]
    held = joint_definitions.read(built)
    assert held is not None
    assert {joint.name for joint in held.joints} == {joint.name for joint in solved.JOINTS}
    assert built.pose.bones["femur_r"].constraints[joint_limits.NAME]
    assert data["warnings"] == [
        "Limits that cannot be told about a bone's own axes have no constraints: those of "
        "elbow_flex_r."
    ]


def test_it_has_the_name_that_is_asked_for_and_says_so(run: Run, tmp_path: Path) -> None:
    model, out = solved.write_model(tmp_path / "model.xml"), tmp_path / "anna.blend"
    said = run("armature", "--model", model, "--name", "Anna", "--out", out)
    assert (said.code, said.errors) == (0, [])
    assert said.out == f"{out}: armature 'Anna' with 17 bones and 19 joints.\n"
    bpy.ops.wm.open_mainfile(filepath=str(out))
    assert not any(bone.constraints for bone in bpy.data.objects["Anna"].pose.bones)


@pytest.mark.parametrize("title", ["", "  ", "Größe 1 " * 20])
def test_models_of_any_title_are_built(run: Run, tmp_path: Path, title: str) -> None:
    model = tmp_path / "model.xml"
    model.write_text(solved.definition().replace('"small"', f'"{title}"'), encoding="utf-8")
    said = run("armature", "--model", model, "--out", tmp_path / "a.blend", "--json")
    assert said.code == 0
    name = said.data["armature"]
    assert isinstance(name, str)
    assert name.strip()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    assert len(bpy.data.objects[name].data.bones) == len(NAMES)


LONG = solved.definition().replace('"skull"', f'"{"skull" * 20}"')
WRONG_ARMATURE = {
    "no such file": (["--model", "gone.xml"], "gone.xml"),
    "no definition": (["--model", "broken.xml"], "broken.xml"),
    "a folder": (["--model", "."], "."),
    "not XML": (["--model", "motion.glb"], "motion.glb"),
    "no bodies": (["--model", "empty.xml"], "empty.xml"),
    "long names": (["--model", "long.xml"], "too long for a bone"),
    "a folder as output": (["--out", "."], "is a folder"),
    "a file as folder": (["--out", "model.xml/a.blend"], "cannot be written"),
}


@pytest.mark.parametrize("case", WRONG_ARMATURE)
def test_a_wrong_definition_gets_one_sentence(
    run: Run, tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    solved.write_model(tmp_path / "model.xml")
    (tmp_path / "broken.xml").write_text("<mujoco><worldbody>")
    (tmp_path / "empty.xml").write_text("<mujoco><worldbody/></mujoco>")
    (tmp_path / "long.xml").write_text(LONG, encoding="utf-8")
    (tmp_path / "motion.glb").write_bytes(b"glTF\2\0\0\0")
    before = folder_of(tmp_path)
    words, sentence = WRONG_ARMATURE[case]
    said = run("armature", "--model", "model.xml", "--out", "a.blend", *words)
    assert (said.code, said.out) == (2, "")
    assert len(said.errors) == 1
    assert sentence in said.errors[0]
    assert folder_of(tmp_path) == before
    assert not bpy.data.armatures
    assert not bpy.data.objects
    assert run("armature", "--model", "model.xml", "--out", "a.blend", *words, "--json").data == {
        "error": said.errors[0].removeprefix("ERROR: "), "exit_code": 2,
    }  # fmt: skip


# Tables of angles


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".CSV"])
def test_angles_of_npz_become_a_table(run: Run, tmp_path: Path, ending: str) -> None:
    take = solved.take()
    path, out = take.write_npz(tmp_path / "output.npz"), tmp_path / "new" / f"angles{ending}"
    if ending == ".parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not in this Python")
    said = run("angles", "--output", path, "--capture-rate", "120", "--out", out, "--json")
    assert said.code == 0
    assert said.data["angles"] == str(out)
    assert said.data["frames"] == 31
    assert set(said.data["joints"]) == OF_NPZ  # type: ignore[call-overload]
    assert folder_of(out.parent) == [out.name]
    if ending != ".CSV":
        assert_angles(out, take)


@pytest.mark.parametrize("source", ["degrees", "take", "qpos", "glb", "armature"])
def test_angles_come_of_every_output(run: Run, tmp_path: Path, source: str) -> None:
    take, out = solved.take(), tmp_path / "angles.csv"
    model = solved.write_model(tmp_path / "model.xml")
    names = {*OF_NPZ, solved.PATELLA[1]}
    if source == "degrees":
        path = take.write_npz(tmp_path / "output.npz", degrees=True)
        words, names = ["--degrees", "--capture-rate", "120"], OF_NPZ
    elif source == "take":
        path = take.write_npz(tmp_path / "output.npz")
        words, names = ["--take", str(c3d(tmp_path / "take.c3d"))], OF_NPZ
    elif source == "qpos":
        path, words = take.write_qpos(tmp_path / "qpos.parquet"), []
    elif source == "glb":
        path, words = take.write_glb(tmp_path / "motion.glb"), ["--model", str(model)]
    else:
        built = run("armature", "--model", model, "--name", "Anna", "--out", tmp_path / "a.blend")
        assert built.code == 0
        path, words = take.write_glb(tmp_path / "motion.glb"), ["--armature", "Anna"]
    said = run("angles", "--output", path, *words, "--out", out)
    assert (said.code, said.errors) == (0, [])
    assert said.out.startswith(f"{out}: {len(names)} joint angles in 31 frames.")
    assert_angles(out, take, names)


def test_a_table_of_a_wrong_glb_has_the_right_speed(run: Run, tmp_path: Path) -> None:
    take, out = solved.take(), tmp_path / "angles.csv"
    path = take.write_glb(tmp_path / "motion.glb", told_hz=30.0)
    model = solved.write_model(tmp_path / "model.xml")
    words = ["--model", model, "--capture-rate", "120"]
    assert run("angles", "--output", path, *words, "--out", out).code == 0
    assert_angles(out, take, {*OF_NPZ, solved.PATELLA[1]})


WRONG_ANGLES = {
    "no speed": ([], "output.npz holds no times; give the rate"),
    "no such file": (["--output", "gone.npz"], "gone.npz is not there"),
    "damaged": (["--output", "damaged.npz", "--capture-rate", "120"], "damaged.npz"),
    "no table": (["--out", "angles.txt", "--capture-rate", "120"], "angles.txt is no table"),
    "no ending": (["--out", "angles", "--capture-rate", "120"], "angles is no table of angles"),
    "a folder": (["--out", "folder.csv", "--capture-rate", "120"], "is a folder"),
    "no such armature": (["--armature", "Hero", "--capture-rate", "120"], "no armature 'Hero'"),
    "no such take": (["--take", "gone.c3d"], "gone.c3d"),
    "a damaged take": (["--take", "damaged.c3d"], "damaged.c3d"),
    "a glb alone": (["--output", "motion.glb"], "choose its model"),
    "a glb and a broken model": (["--output", "motion.glb", "--model", "damaged.xml"], "damaged.x"),
    "two of a kind": (["--output", "output.npz", "damaged.npz"], "both of the kind"),
}


@pytest.mark.parametrize("case", WRONG_ANGLES)
def test_wrong_words_on_angles_get_one_sentence(
    run: Run, tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    take = solved.take()
    take.write_npz(tmp_path / "output.npz")
    take.write_glb(tmp_path / "motion.glb")
    for name in ("damaged.npz", "damaged.c3d", "damaged.xml"):
        (tmp_path / name).write_bytes(b"PK\3\4 nothing")
    (tmp_path / "folder.csv").mkdir()
    before = folder_of(tmp_path)
    words, sentence = WRONG_ANGLES[case]
    said = run("angles", "--output", "output.npz", "--out", "angles.csv", *words)
    assert (said.code, said.out) == (2, "")
    assert len(said.errors) == 1
    assert sentence in said.errors[0]
    assert folder_of(tmp_path) == before


USAGE = {
    "rate of 0": ["--capture-rate", "0"],
    "negative rate": ["--capture-rate", "-120"],
    "no rate": ["--capture-rate", "fast"],
    "endless rate": ["--capture-rate", "inf"],
    "rate and take": ["--capture-rate", "120", "--take", "take.c3d"],
    "no order": ["--angle-order", "XYX"],
}


@pytest.mark.parametrize("case", USAGE)
@pytest.mark.parametrize("command", ["angles", "import"])
def test_wrong_usage_is_told_by_its_word(run: Run, tmp_path: Path, case: str, command: str) -> None:
    path = solved.take().write_npz(tmp_path / "output.npz")
    out = tmp_path / ("angles.csv" if command == "angles" else "out.blend")
    said = run(command, "--output", path, "--out", out, *USAGE[case])
    assert (said.code, said.out) == (2, "")
    assert USAGE[case][0] in said.err
    assert "_rate" not in said.err
    assert not out.exists()


# Takes


def report_of(path: Path) -> dict[str, object]:
    takes = json.loads(path.read_text())["takes"]
    assert len(takes) == 1
    return takes[0]


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
