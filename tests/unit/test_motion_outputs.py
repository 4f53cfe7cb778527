# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's output files told apart, whatever they are called."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from myosapiens_addon.errors import OutputError
from myosapiens_addon.motion import outputs
from myosapiens_addon.motion.outputs import KINDS, Outputs
from tests.helpers.outputs import write_parquet

TIMES = np.arange(4) / 120.0
QPOS = ("root_x", "root_y", "root_z", "root_qw", "root_qx", "root_qy", "root_qz", "knee")
XPOS = ("pelvis_x", "pelvis_y", "pelvis_z", "skull_x", "skull_y", "skull_z")


def table(path: Path, *names: str) -> Path:
    return write_parquet(path, dict.fromkeys(names, TIMES))


def some(path: Path) -> Path:
    """What is told by its name alone is not looked into."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"anything")
    return path


def test_a_whole_job(tmp_path: Path) -> None:
    files = [some(tmp_path / name) for name in (*KINDS.values(), "model.mjb")]
    motion, qpos, angles, xpos, _model = files
    wanted = Outputs(motion=motion, qpos=qpos, angles=angles, xpos=xpos)
    assert outputs.sort(files) == wanted
    assert outputs.sort(files[::-1]) == wanted


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Motion.GLB", "motion"),
        ("walk 03.glb", "motion"),
        ("OUTPUT.NPZ", "angles"),
        ("walk.03.npz", "angles"),
        ("QPOS.PARQUET", "qpos"),
        ("walk_qpos.Parquet", "qpos"),
        ("walk_xPos.parquet", "xpos"),
        ("qpos (1).parquet", "qpos"),
    ],
)
def test_endings_and_words_in_any_case(tmp_path: Path, name: str, kind: str) -> None:
    path = some(tmp_path / name)
    assert outputs.sort([path]) == Outputs(**{kind: path})


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        (("time", *QPOS), "qpos"),
        (("time", *XPOS), "xpos"),
        (("time", *reversed(XPOS)), "xpos"),
        (("time", *XPOS, "knee"), "qpos"),
        # Coordinates of a root alone end in axes too, but it has a rotation.
        (("time", *QPOS[:7]), "qpos"),
    ],
)
def test_tables_of_other_names_by_their_columns(
    tmp_path: Path, columns: tuple[str, ...], kind: str
) -> None:
    path = table(tmp_path / "take 03.parquet", *columns)
    assert outputs.sort([path]) == Outputs(**{kind: path})


def test_two_tables_of_other_names(tmp_path: Path) -> None:
    one = table(tmp_path / "0a1b.parquet", "time", *XPOS)
    other = table(tmp_path / "2c3d.parquet", "time", *QPOS)
    assert outputs.sort([one, other]) == Outputs(qpos=other, xpos=one)


def test_a_name_goes_before_columns(tmp_path: Path) -> None:
    """Then a damaged file is named by the reader, which knows what is wrong with it."""
    path = table(tmp_path / "qpos.parquet", "time", *XPOS)
    assert outputs.sort([path]).qpos == path


def test_what_is_no_output_is_passed_over(tmp_path: Path) -> None:
    motion = some(tmp_path / "motion.glb")
    others = [some(tmp_path / name) for name in ("model.mjb", "notes.txt", "take.c3d", "README")]
    # Trackers are a table too, but no output; and so is one without columns besides the time.
    others.append(table(tmp_path / "trackers.parquet", "frame", *XPOS))
    assert outputs.sort([*others, motion]) == Outputs(motion=motion)


def test_nothing_but_what_is_no_output(tmp_path: Path) -> None:
    model = some(tmp_path / "model.mjb")
    trackers = table(tmp_path / "trackers.parquet", "frame", "LFHD_x")
    with pytest.raises(OutputError) as caught:
        outputs.sort([model, trackers])
    assert caught.value.sentence == (
        "There is no motion in the output (model.mjb, trackers.parquet); give the files that the "
        "service made: motion.glb, qpos.parquet, output.npz, xpos.parquet."
    )
    with pytest.raises(OutputError, match=r"no motion in the output \(nothing\)"):
        outputs.sort([])


def test_a_folder_full_of_others_makes_no_long_sentence(tmp_path: Path) -> None:
    files = [some(tmp_path / f"take {number:03}.c3d") for number in range(300)]
    with pytest.raises(OutputError, match=r"take 007\.c3d and 292 more\)") as caught:
        outputs.sort(files)
    assert len(caught.value.sentence) < 300


@pytest.mark.parametrize("kind", KINDS)
def test_two_of_one_kind_are_named_with_their_folders(tmp_path: Path, kind: str) -> None:
    """Two takes' files are called the same."""
    files = [some(tmp_path / take / KINDS[kind]) for take in ("walk", "run")]
    with pytest.raises(OutputError) as caught:
        outputs.sort(files)
    assert all(str(path) in caught.value.sentence for path in files)
    assert f"both of the kind {KINDS[kind]}; give the outputs of one take" in caught.value.sentence


def test_a_file_that_is_named_twice_is_one(tmp_path: Path) -> None:
    path = some(tmp_path / "motion.glb")
    assert outputs.sort([path, path]) == Outputs(motion=path)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    there, gone = some(tmp_path / "motion.glb"), tmp_path / "gone" / "xpos.parquet"
    with pytest.raises(OutputError, match=r"gone.xpos\.parquet is not there; fetch"):
        outputs.sort([there, gone])


@pytest.mark.parametrize("name", ["motion.glb", "a take"])
def test_a_folder_is_no_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(OutputError, match=f"{name} is a folder; give the output files in it"):
        outputs.sort([tmp_path / name])


@pytest.mark.parametrize(
    "path",
    [
        Path("x" * 5000 + ".glb"),
        Path("motion\0.glb"),
        Path("läuft.glb") / ("x" * 300),
        Path("file.glb") / "motion.glb",
    ],
    ids=["too long", "zero byte", "long with a letter", "below a file"],
)
def test_names_that_no_file_can_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    some(tmp_path / "file.glb")
    with pytest.raises(OutputError, match=r"cannot be read: |is not there") as caught:
        outputs.sort([path])
    assert len(caught.value.sentence) < 400
    assert caught.value.sentence.isprintable()
    assert "[Errno" not in caught.value.sentence


def test_a_pipe_blocks_nothing(tmp_path: Path) -> None:
    path = tmp_path / "motion.glb"
    os.mkfifo(path)
    with pytest.raises(OutputError, match=r"motion\.glb is no file"):
        outputs.sort([path])


def test_a_damaged_table_of_another_name_says_so(tmp_path: Path) -> None:
    path = table(tmp_path / "take.parquet", "time", *QPOS)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(OutputError, match=r"take\.parquet is cut off"):
        outputs.sort([path])
