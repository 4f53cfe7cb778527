# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line on outputs: armatures of definitions, and tables of joint angles."""

from __future__ import annotations

from pathlib import Path

import bpy
import pytest

from myosapiens_addon.blender import joint_definitions, joint_limits
from tests.blender.headless_bench import (
    OF_NPZ,
    Run,
    assert_angles,
    c3d,
    folder_of,
    run_fixture,  # noqa: F401
)
from tests.helpers import solved
from tests.helpers.motions import NAMES

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
