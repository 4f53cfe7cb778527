# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a batch's table as the takes that they stand for, read inside Blender."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from myosapiens_addon.blender import batch_takes, headless, paths, take_defaults
from myosapiens_addon.errors import InputError
from myosapiens_addon.retarget.mapping import presets
from tests.blender.conftest import ROOT

SAMPLE = ROOT / "scripts" / "sample"
TAKE, MARKERSET = SAMPLE / "walk.c3d", SAMPLE / "markerset.xml"


def read(folder: Path, text: str, **defaults: Any) -> list[batch_takes.BatchTake]:  # noqa: ANN401
    path = folder / "takes.csv"
    path.write_text(text.replace("{t}", str(TAKE)).replace("{m}", str(MARKERSET)))
    return batch_takes.read(
        path, parser=headless.row_parser(), defaults=defaults, out_dir=folder / "out", blend=""
    )


def test_every_option_of_retarget_is_a_column(tmp_path: Path) -> None:
    """A row with each of them is read as the command line is."""
    model = tmp_path / "m.xml"
    model.write_text("<mujoco/>")
    given = {
        "character": "c", "height": "1.8", "weight": "70", "gender": "female", "no_scaling": "yes",
        "armature": "Hero", "rate": "24", "map": "mixamo", "start_frame": "5", "set_range": "1",
        "preview": "/p/p.png", "report": "/p/r.json", "path_scale": "0.5", "in_place": "true",
        "carrier": "root", "no_contacts": "yes", "ik": "yes", "tolerance_deg": "0.1",
        "tolerance_mm": "0.2", "nla": "yes", "asset": "yes", "catalog": "a/b", "model": str(model),
        "joint_preset": str(model), "angle_order": "ZYX", "degrees": "yes", "joint_angles": "yes",
        "angles_out": "/p/a.csv", "limits": "yes", "meshes": "yes", "markers": "yes",
        "fit_armature": "yes",
    }  # fmt: skip
    flags = {name for name, value in given.items() if value in ("yes", "1", "true")}
    words = [
        f"--{name.replace('_', '-')}" + ("" if name in flags else f"={value}")
        for name, value in given.items()
    ]
    command = ["retarget", "--c3d", str(TAKE), "--markerset", str(MARKERSET), "--out", "/o.blend"]
    expected = vars(headless.parser("t").parse_args([*command, *words]))
    columns = ["c3d", "markerset", "out", *given]
    cells = [str(TAKE), str(MARKERSET), "/o.blend", *given.values()]
    (take,) = read(tmp_path, ",".join(columns) + "\n" + ",".join(cells) + "\n")
    found = vars(take.options)
    of_the_program = {"run", "json", "verbose", "base_url"}
    assert found.keys() - {"blend"} == expected.keys() - of_the_program
    assert {name: found[name] for name in expected if name not in of_the_program} == {
        name: value for name, value in expected.items() if name not in of_the_program
    }
    known = {entry for entry in expected if entry not in of_the_program}
    assert len(known) == len(columns) + 1, "a new option of retarget is not in this test"


def test_a_row_goes_before_what_is_said_for_all(tmp_path: Path) -> None:
    one, two, three = read(
        tmp_path,
        "c3d,markerset,rate,set_range,armature,no_contacts\n"
        "{t},,,,,\n{t},,25,no,Hero,no\n{t},{m},capture,yes,,yes\n",
        markerset=MARKERSET, rate=50.0, set_range=True, new_armature=True, contacts=False,
    )  # fmt: skip
    assert (one.options.rate, one.options.set_range, one.options.new_armature) == (50.0, True, True)
    assert (one.options.armature, one.options.contacts) == (None, False)
    assert (two.options.rate, two.options.set_range, two.options.new_armature) == (25, False, False)
    assert (two.options.armature, two.options.contacts) == ("Hero", True)
    assert (three.options.rate, three.options.set_range) == ("capture", True)
    assert (three.options.new_armature, three.options.contacts) == (True, False)


def test_no_goes_before_the_studio_s_yes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        take_defaults, "for_command_line", lambda: {"set_range": True, "no_scaling": True}
    )
    one, two, three = read(
        tmp_path,
        "c3d,markerset,set_range,no_scaling,new_armature\n{t},{m},,,\n{t},{m},no,no,no\n"
        "{t},{m},yes,yes,yes\n",
        armature="Hero",
    )
    assert (one.options.set_range, one.options.no_scaling) == (True, True)
    assert (two.options.set_range, two.options.no_scaling) == (False, False)
    assert (three.options.set_range, three.options.no_scaling) == (True, True)
    assert [take.options.armature for take in (one, two, three)] == ["Hero", "Hero", None]


def test_a_map_of_the_studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    bones = {"pelvis": "Hips", "thigh.L": "LeftUpLeg"}
    content = {"format": "bone-map", "version": 1, "id": "house", "title": "House", "bones": bones}
    (shared / "house.json").write_text(json.dumps(content))
    monkeypatch.setattr(
        paths, "bone_maps", lambda: presets.Shelves(own=None, shared=presets.in_folder(shared))
    )
    (take,) = read(tmp_path, "c3d,markerset,map\n{t},{m},house\n")
    assert take.options.map == "house"


def test_a_solve_that_is_asked_for_twice_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    read(tmp_path, "c3d,markerset,height\n{t},{m},\n{t},{m},1.8\n")
    assert caplog.messages == []
    read(tmp_path, "c3d,markerset,rate\n{t},{m},\n{t},{m},\n{t},{m},50\n")
    assert caplog.messages == [
        "Solved and paid for more than once: walk.c3d, in line 3 as in line 2, and 1 more."
    ]


def test_a_file_that_others_begin_with_is_no_result(tmp_path: Path) -> None:
    (tmp_path / "hero.blend").touch()
    line = "{t},{m},hero.blend"
    (alone,) = read(tmp_path, f"c3d,markerset,blend,out\n{line},hero.blend\n")
    assert alone.options.out == alone.options.blend
    with pytest.raises(InputError, match=r"line 3, column blend: .*what line 2 writes to"):
        read(tmp_path, f"c3d,markerset,blend,out\n{line},x/../hero.blend\n{line},\n")


def test_places_are_given_once(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder in folders:
        folder.mkdir()
        (folder / "walk.c3d").write_bytes(TAKE.read_bytes())
    found = read(
        tmp_path,
        "c3d,markerset,out\na/walk.c3d,{m},\nb/walk.c3d,{m},\nc/walk.c3d,{m},out/walk-2.blend\n"
        "c/walk.c3d,{m},own\n",
    )
    outs = [take.options.out.absolute().relative_to(tmp_path).as_posix() for take in found]
    assert outs == ["out/walk.blend", "out/walk-3.blend", "out/walk-2.blend", "own/walk.blend"]
    assert len({take.name for take in found}) == 4
