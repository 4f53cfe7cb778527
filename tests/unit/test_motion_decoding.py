# SPDX-License-Identifier: GPL-3.0-or-later
"""The front door for outputs: which file becomes the motion, and what holds it against others."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from myosapiens_addon.errors import CharacterError, InputError, OutputError
from myosapiens_addon.motion import decoding, mjcf, parquet
from myosapiens_addon.motion.decoding import DecodeOptions
from myosapiens_addon.motion.timing import TakeFacts
from tests.helpers import solved
from tests.helpers.outputs import write_parquet
from tests.helpers.solved import Solved
from tests.unit.decoding_bench import (
    ALL,
    GLB,
    NPZ,
    OTHERS,
    QPOS,
    TAKE,
    XPOS,
    bodies,
    check_angles,
    cut,
    job,
    moves_as,
    without_pyarrow,
    write,
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return solved.write_model(tmp_path / "model.xml")


# Which file becomes the motion


@pytest.mark.parametrize(
    ("names", "source"),
    [
        (ALL, GLB),
        ((XPOS, NPZ, GLB), GLB),
        ((GLB,), GLB),
        ((XPOS, NPZ, QPOS), QPOS),
        ((QPOS,), QPOS),
        ((NPZ,), NPZ),
        ((NPZ, XPOS), NPZ),
    ],
)
def test_the_best_file_wins(tmp_path: Path, model: Path, names: Sequence[str], source: str) -> None:
    files = [write(tmp_path, name, OTHERS[name]) for name in names]
    options = DecodeOptions(model=model, take=TakeFacts(rate_hz=120.0, frames=31))
    found = decoding.decode(files, options)
    assert found.source == source
    wanted = OTHERS[source].angles_only() if source == NPZ else OTHERS[source]
    moves_as(found, wanted)
    assert found.meshes == (tmp_path / GLB if GLB in names else None)
    assert found.angles is None


def test_a_character_from_bones_does_for_a_model(tmp_path: Path, model: Path) -> None:
    character = mjcf.read(model)
    found = decoding.decode(job(tmp_path, QPOS), DecodeOptions(character=character))
    moves_as(found, TAKE)
    assert found.character is character
    assert found.warnings == ()


def test_a_model_that_is_chosen_goes_before_the_armature(tmp_path: Path, model: Path) -> None:
    longer = solved.larger(1.2, "tibia_r")
    other = mjcf.read(solved.write_model(tmp_path / "other.xml", longer))
    options = DecodeOptions(model=model, character=other)
    moves_as(decoding.decode(job(tmp_path, QPOS), options), TAKE)
    moves_as(
        decoding.decode([tmp_path / QPOS], DecodeOptions(character=other)),
        dataclasses.replace(TAKE, offsets=longer),
    )


def test_a_glb_needs_no_character(tmp_path: Path) -> None:
    found = decoding.decode(job(tmp_path, GLB))
    moves_as(found, TAKE)
    assert (found.character, found.heads, found.distance) == (None, None, None)
    assert found.warnings == ()


@pytest.mark.parametrize("name", [QPOS, NPZ])
def test_coordinates_need_a_character(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=f"^{name} holds .* choose its model"):
        decoding.decode(job(tmp_path, name))


def test_positions_alone_are_no_motion(tmp_path: Path, model: Path) -> None:
    path = job(tmp_path, XPOS)[0].rename(tmp_path / "walk_xpos.parquet")
    for call in (decoding.decode, decoding.read_angles):
        with pytest.raises(OutputError, match=r"^walk_xpos\.parquet holds positions only"):
            call([path], DecodeOptions(model=model))


def test_a_damaged_model_is_told_even_where_a_glb_would_do(tmp_path: Path) -> None:
    """Somebody chose it."""
    (tmp_path / "model.xml").write_text("<mujoco><worldbody>", encoding="utf-8")
    with pytest.raises(CharacterError, match=r"model\.xml"):
        decoding.decode(job(tmp_path, GLB), DecodeOptions(model=tmp_path / "model.xml"))


@pytest.mark.parametrize("name", [GLB, QPOS, NPZ])
def test_the_file_that_is_damaged_is_named(tmp_path: Path, model: Path, name: str) -> None:
    """Nothing quietly takes the place of what is damaged."""
    files = job(tmp_path, *ALL[ALL.index(name) :])
    cut(files[0])
    with pytest.raises(OutputError, match=f"^{name} "):
        decoding.decode(files, DecodeOptions(model=model))


def test_what_is_not_wanted_may_be_damaged(tmp_path: Path) -> None:
    files = job(tmp_path, GLB, QPOS, NPZ)
    for path in files[1:]:
        cut(path)
    options = DecodeOptions(take=TakeFacts(rate_hz=120.0, frames=31))
    assert decoding.decode(files, options).warnings == ()


# Without pyarrow, without joints


@pytest.mark.parametrize("how", ["missing", "broken"])
def test_without_pyarrow_angles_take_the_place_of_coordinates(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    files = job(tmp_path, QPOS, NPZ)
    without_pyarrow(monkeypatch, how)
    options = DecodeOptions(model=model, take=TakeFacts(rate_hz=120.0))
    found = decoding.decode(files, options)
    moves_as(found, TAKE.angles_only())
    assert found.source == NPZ
    assert found.warnings[0].startswith(f"{QPOS} was not read, {NPZ} took its place: Parquet")


@pytest.mark.parametrize("how", ["missing", "broken"])
def test_without_pyarrow_coordinates_alone_are_refused(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    files = job(tmp_path, QPOS, XPOS)
    without_pyarrow(monkeypatch, how)
    for call in (decoding.decode, decoding.read_angles):
        with pytest.raises(InputError, match="read and written by pyarrow, which is not here"):
            call(files, DecodeOptions(model=model))


def test_without_pyarrow_a_glb_is_not_compared(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build without it is no fault of the files; one that is broken is told, once."""
    files = job(tmp_path, GLB, QPOS, XPOS)
    options = DecodeOptions(model=model, with_angles=True)
    for how, count in (("missing", 0), ("broken", 1)):
        without_pyarrow(monkeypatch, how)
        monkeypatch.setattr(parquet, "available", lambda how=how: how == "broken")
        found = decoding.decode(files, options)
        moves_as(found, TAKE)
        assert found.distance is None
        assert found.angles is not None
        assert len([said for said in found.warnings if "pyarrow" in said]) == count


def test_an_armature_without_joints_takes_those_of_a_preset(tmp_path: Path) -> None:
    files = job(tmp_path, NPZ)
    options = DecodeOptions(character=bodies(), take=TakeFacts(rate_hz=120.0))
    found = decoding.decode(files, options)
    moves_as(found, TAKE.angles_only())
    assert found.character is not None
    assert found.character.joints
    assert found.warnings[0].startswith("The armature 'Anna' holds no definitions of its joints;")
    assert "preset 'MyoSkeleton'" in found.warnings[0]


def test_angles_go_before_coordinates_then(tmp_path: Path) -> None:
    """The preset tells the axes of angles; nothing tells those of coordinates."""
    files = job(tmp_path, QPOS, NPZ)
    found = decoding.decode(files, DecodeOptions(character=bodies()))
    moves_as(found, TAKE.angles_only())
    assert found.warnings[0] == (
        "qpos.parquet was not read, output.npz took its place: the armature 'Anna' holds no "
        "definitions of its joints."
    )
    with pytest.raises(InputError, match=r"^qpos\.parquet holds coordinates"):
        decoding.decode(files[:1], DecodeOptions(character=bodies()))


def test_joints_that_no_preset_knows(tmp_path: Path) -> None:
    angles = np.zeros((4, 2))
    np.savez(tmp_path / NPZ, joint_angles=angles, joint_names=np.array(["jaw", "tail"]))
    options = DecodeOptions(character=bodies(), take=TakeFacts(rate_hz=120.0))
    with pytest.raises(InputError, match="No joint preset knows these joints"):
        decoding.decode([tmp_path / NPZ], options)


# The check


def off(one: Solved, other: Solved) -> np.ndarray:
    """(F, B) mm between two takes' bodies."""
    return 1e3 * np.linalg.norm(one.poses()[0] - other.poses()[0], axis=-1)


@pytest.mark.parametrize("name", [GLB, QPOS])
def test_distances_are_those_of_the_positions(tmp_path: Path, model: Path, name: str) -> None:
    files = [*job(tmp_path, name), write(tmp_path, XPOS, OTHERS[XPOS])]
    found = decoding.decode(files, DecodeOptions(model=model))
    wanted = off(TAKE, OTHERS[XPOS])
    frame, body = np.unravel_index(np.argmax(wanted), wanted.shape)
    distance = found.distance
    assert distance is not None
    assert distance.largest_mm == pytest.approx(wanted.max(), abs=1e-3)
    assert distance.mean_mm == pytest.approx(wanted.mean(), abs=1e-3)
    assert (distance.body, distance.frames) == (solved.NAMES[body], 31)
    assert distance.bodies == len(solved.NAMES)
    assert distance.time_s == pytest.approx(frame / 120.0, abs=1e-6)
    assert found.heads is not None
    np.testing.assert_allclose(found.heads.positions, OTHERS[XPOS].poses()[0], atol=1e-12)
    why = "files may be of different jobs" if name == GLB else "model may have other lengths"
    (sentence,) = found.warnings
    assert sentence.startswith(f"The body {distance.body} is {wanted.max():.3g} mm from where ")
    assert f"xpos.parquet has it at {frame / 120:.2f} s: the {why}" in sentence


@pytest.mark.parametrize(("off_mm", "count"), [(0.0, 0), (0.99, 0), (1.01, 1)])
def test_a_millimetre_is_worth_a_warning(tmp_path: Path, off_mm: float, count: int) -> None:
    files = job(tmp_path, GLB)
    files.append(TAKE.write_xpos(tmp_path / XPOS, off_m={"skull": off_mm / 1e3}))
    found = decoding.decode(files)
    assert found.distance is not None
    assert found.distance.largest_mm == pytest.approx(off_mm, abs=1e-3)
    assert [said.startswith("The body skull is 1.01 mm") for said in found.warnings] == [
        True
    ] * count


def test_damaged_positions_are_no_reason_to_fail(tmp_path: Path) -> None:
    files = job(tmp_path, GLB, XPOS)
    cut(files[1])
    found = decoding.decode(files)
    moves_as(found, TAKE)
    assert (found.heads, found.distance) == (None, None)
    assert found.warnings == (
        "The motion was not compared: xpos.parquet is cut off; fetch the job's output again.",
    )


def test_positions_of_other_bodies_and_moments_are_told(tmp_path: Path) -> None:
    files = job(tmp_path, GLB)
    for times, name, says in (
        (TAKE.times, "jaw", "has no body of the motion"),
        (TAKE.times[:2], "skull", "motion.glb has 31 frames, xpos.parquet 2"),
    ):
        columns = {"time": times} | {f"{name}_{axis}": 0 * times for axis in "xyz"}
        path = write_parquet(tmp_path / XPOS, columns)
        assert any(says in said for said in decoding.decode([*files, path]).warnings)


def test_positions_too_far_to_measure(tmp_path: Path) -> None:
    """A number that is finite while its square is none."""
    files = job(tmp_path, GLB)
    columns = {"time": TAKE.times} | {f"skull_{axis}": TAKE.times + 1e300 for axis in "xyz"}
    found = decoding.decode([*files, write_parquet(tmp_path / XPOS, columns)])
    assert found.distance is None
    assert "xpos.parquet" in found.warnings[0]


def test_angles_without_a_root_are_not_compared(tmp_path: Path, model: Path) -> None:
    files = job(tmp_path, NPZ, XPOS)
    found = decoding.decode(files, DecodeOptions(model=model))
    assert (found.heads, found.distance) == (None, None)
    assert not any("mm from" in said for said in found.warnings)


# Joint angles


@pytest.mark.parametrize("names", [(GLB,), (GLB, QPOS), (GLB, NPZ), (QPOS,), (QPOS, NPZ), ALL])
def test_angles_besides_the_motion(tmp_path: Path, model: Path, names: Sequence[str]) -> None:
    options = DecodeOptions(model=model, with_angles=True)
    found = decoding.decode(job(tmp_path, *names), options)
    check_angles(found.angles, TAKE, TAKE.times)
    assert found.warnings == ()


def test_angles_of_the_angles_that_became_the_motion(tmp_path: Path, model: Path) -> None:
    take = TakeFacts(rate_hz=60.0)
    options = DecodeOptions(model=model, with_angles=True, take=take)
    check_angles(decoding.decode(job(tmp_path, NPZ), options).angles, TAKE, TAKE.times * 2)


@pytest.mark.parametrize("names", [(GLB,), (QPOS,), (GLB, QPOS), (GLB, NPZ), (NPZ, XPOS), ALL])
def test_angles_alone(tmp_path: Path, model: Path, names: Sequence[str]) -> None:
    found = decoding.read_angles(job(tmp_path, *names), DecodeOptions(model=model))
    check_angles(found, TAKE, TAKE.times)
    assert found.notes == ()


def test_angles_have_a_file_s_own_before_worked_out_ones(tmp_path: Path, model: Path) -> None:
    files = [write(tmp_path, name, OTHERS[name]) for name in ALL]
    options = DecodeOptions(model=model, with_angles=True)
    for kept, name in ((files, NPZ), (files[:2], QPOS), (files[:1], GLB)):
        check_angles(decoding.decode(kept, options).angles, OTHERS[name], TAKE.times)
        check_angles(decoding.read_angles(kept, options), OTHERS[name], TAKE.times)


def test_angles_in_degrees(tmp_path: Path) -> None:
    path = TAKE.write_npz(tmp_path / NPZ, degrees=True)
    options = DecodeOptions(take=TakeFacts(rate_hz=120.0), angle_degrees=True)
    check_angles(decoding.read_angles([path], options), TAKE, TAKE.times)


def test_poses_need_a_character_to_become_angles(tmp_path: Path) -> None:
    files = job(tmp_path, GLB)
    says = "motion.glb holds poses, which become joint angles by the character's definition only"
    for character in (None, bodies()):
        options = DecodeOptions(character=character, with_angles=True)
        found = decoding.decode(files, options)
        moves_as(found, TAKE)
        assert found.angles is None
        (sentence,) = found.warnings
        assert sentence.startswith(f"There are no joint angles: {says}: choose its model")
        with pytest.raises(InputError, match=f"^{says}"):
            decoding.read_angles(files, options)


def test_coordinates_tell_angles_without_a_character(tmp_path: Path) -> None:
    files = job(tmp_path, GLB, QPOS)
    check_angles(decoding.read_angles(files), TAKE, TAKE.times)
    check_angles(decoding.decode(files, DecodeOptions(with_angles=True)).angles, TAKE, TAKE.times)


def test_angles_alone_are_not_compared(tmp_path: Path) -> None:
    """Nobody who exports angles wants to know of positions."""
    files = job(tmp_path, QPOS, XPOS)
    cut(files[1])
    found = decoding.read_angles(files)
    check_angles(found, TAKE, TAKE.times)
    assert found.notes == ()


def test_without_pyarrow_poses_tell_the_angles(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = job(tmp_path, GLB, QPOS)
    for how in ("missing", "broken"):
        without_pyarrow(monkeypatch, how)
        found = decoding.read_angles(files, DecodeOptions(model=model))
        check_angles(found, TAKE, TAKE.times)


def test_what_the_files_lack_is_told(tmp_path: Path, model: Path) -> None:
    facts = TakeFacts(rate_hz=120.0)
    options = DecodeOptions(model=model, with_angles=True, take=facts)
    columns = {"time": TAKE.times, "hip_flex_r": TAKE.values["hip_flex_r"]}
    qpos = write_parquet(tmp_path / QPOS, columns)
    assert decoding.decode([qpos], options).warnings[0].startswith("qpos.parquet has no root, ")
    angles = np.zeros((3, 1))
    np.savez(tmp_path / NPZ, joint_angles=angles, joint_names=["hip_flex_r"], metadata=["{"])
    found = decoding.decode([tmp_path / NPZ], options)
    assert found.warnings[0].startswith("The metadata of output.npz are no JSON text")
    assert found.warnings[1].startswith("output.npz has no root, ")
    other = tmp_path / "longer.xml"
    tail = solved.Joint(name="tail_flex", body="patella_r", kind="ball")
    solved.write_model(other, joints=(*solved.JOINTS, tail))
    options = dataclasses.replace(options, model=other)
    for notes in (
        decoding.decode(job(tmp_path, GLB), options).warnings,
        decoding.read_angles(job(tmp_path, GLB), options).notes,
    ):
        assert notes == ("The joints of patella_r have no angles in this motion.",)


def test_damaged_angles_are_told_and_the_motion_is_there(tmp_path: Path, model: Path) -> None:
    files = job(tmp_path, GLB, NPZ)
    cut(files[1])
    found = decoding.decode(files, DecodeOptions(model=model, with_angles=True))
    moves_as(found, TAKE)
    assert found.angles is None
    assert found.warnings[0].startswith("There are no joint angles: output.npz ")
