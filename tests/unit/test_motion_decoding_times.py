# SPDX-License-Identifier: GPL-3.0-or-later
"""The speed of a take through the front door, and all that has to follow it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from myosapiens_addon.errors import InputError
from myosapiens_addon.motion import decoding, glb, npz, parquet
from myosapiens_addon.motion.decoding import DecodeOptions
from myosapiens_addon.motion.timing import TakeFacts
from tests.helpers import solved
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
    write,
)

FACTS = TakeFacts(rate_hz=120.0, frames=31)
TOO_SLOW = "motion.glb says 30 frames/s, {} 120: it would have played 4 times too slowly."


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return solved.write_model(tmp_path / "model.xml")


def every(step: int, take: Solved = TAKE) -> Solved:
    """The take at a lower rate, as long."""
    values = {name: column[::step] for name, column in take.values.items()}
    return dataclasses.replace(take, values=values, rate_hz=take.rate_hz / step)


def at(rate_hz: float, take: Solved = TAKE) -> Solved:
    """The same frames at another speed."""
    return dataclasses.replace(take, rate_hz=rate_hz)


def with_rate(path: Path, rate_hz: float, take: Solved = TAKE) -> Path:
    """An `output.npz` whose metadata tell a rate."""
    angles = take.angles()
    np.savez(
        path,
        joint_angles=np.stack(list(angles.values()), axis=1),
        joint_names=np.array(list(angles)),
        metadata=np.array(json.dumps({"fps": rate_hz})),
    )
    return path


# A GLB whose times are its exporter's


@pytest.mark.parametrize(
    ("names", "take", "by"),
    [
        ((), FACTS, "the take"),
        ((), TakeFacts(rate_hz=120.0), "the take"),
        ((QPOS, NPZ, XPOS), FACTS, "the take"),
        ((XPOS,), None, XPOS),
        ((QPOS,), None, QPOS),
        ((NPZ, XPOS), None, XPOS),
    ],
)
def test_a_glb_of_30_hz_gets_the_speed_of_its_take(
    tmp_path: Path, names: Sequence[str], take: TakeFacts | None, by: str
) -> None:
    files = [TAKE.write_glb(tmp_path / GLB, told_hz=30.0), *job(tmp_path, *names)]
    found = decoding.decode(files, DecodeOptions(take=take))
    moves_as(found, TAKE)
    assert np.array_equal(found.motion.times, np.arange(31) / 120.0)
    assert found.warnings == (f"{TOO_SLOW.format(by)} The speed of {by} was used.",)


def test_what_is_known_beside_it_follows(tmp_path: Path, model: Path) -> None:
    """Angles and positions are at the motion's moments, and frames are held against frames."""
    files = [TAKE.write_glb(tmp_path / GLB, told_hz=30.0)]
    # Tables that are wrong too, where the take knows better.
    files += [write(tmp_path, name, at(30.0)) for name in (QPOS, XPOS)]
    options = DecodeOptions(model=model, take=FACTS, with_angles=True)
    for kept in (files, files[::2], [*files[::2], *job(tmp_path, NPZ)]):
        found = decoding.decode(kept, options)
        check_angles(found.angles, TAKE, TAKE.times)
        assert found.heads is not None
        assert np.array_equal(found.heads.times, found.motion.times)
        assert np.array_equal(found.motion.times, TAKE.times)
        assert found.distance is not None
        assert found.distance.largest_mm < 1e-3
        assert found.distance.frames == 31
        assert len(found.warnings) == 1
        alone = decoding.read_angles(kept, options)
        check_angles(alone, TAKE, TAKE.times)


def test_angles_alone_tell_of_the_speed(tmp_path: Path, model: Path) -> None:
    """A table of angles has no other place for it."""
    glb_path = TAKE.write_glb(tmp_path / GLB, told_hz=30.0)
    options = DecodeOptions(model=model, take=FACTS)
    assert decoding.read_angles([glb_path], options).notes[0].startswith("motion.glb says 30 ")
    qpos = write(tmp_path, QPOS, at(30.0))
    (note,) = decoding.read_angles([qpos], options).notes
    assert note.startswith("qpos.parquet says 30 frames/s, the take 120:")


def test_a_glb_that_was_resampled_is_kept(tmp_path: Path, model: Path) -> None:
    """Other frames, as long: the rest has its own moments, and is compared at the motion's."""
    low = every(3)
    files = [low.write_glb(tmp_path / GLB), *job(tmp_path, QPOS, XPOS)]
    for take in (FACTS, None):
        found = decoding.decode(files, DecodeOptions(model=model, take=take, with_angles=True))
        moves_as(found, low)
        check_angles(found.angles, TAKE, TAKE.times)
        assert found.heads is not None
        assert len(found.heads.times) == 31
        assert found.distance is not None
        assert found.distance.largest_mm < 1e-3
        assert found.distance.frames == 11
        assert found.warnings == ()


def test_a_glb_without_anything_beside_it_is_believed(tmp_path: Path) -> None:
    path = TAKE.write_glb(tmp_path / GLB, told_hz=30.0)
    found = decoding.decode([path])
    assert np.array_equal(found.motion.times, glb.read(path).times)
    assert found.warnings == ()


def test_a_damaged_table_cannot_tell_the_speed(tmp_path: Path) -> None:
    files = [TAKE.write_glb(tmp_path / GLB, told_hz=30.0), *job(tmp_path, QPOS)]
    cut(files[1])
    found = decoding.decode(files)
    moves_as(found, at(30.0))
    assert found.warnings == (
        "The speed was not compared: qpos.parquet is cut off; fetch the job's output again.",
    )
    # Nor is it read where the take tells it.
    assert len(decoding.decode(files, DecodeOptions(take=FACTS)).warnings) == 1


def test_a_clip_of_the_take(tmp_path: Path) -> None:
    clip = solved.take(frames=12)
    files = [clip.write_glb(tmp_path / GLB, told_hz=30.0)]
    found = decoding.decode(files, DecodeOptions(take=TakeFacts(rate_hz=120.0, frames=12)))
    moves_as(found, clip)
    assert len(found.warnings) == 1


def test_numbers_of_frames_that_differ_are_told(tmp_path: Path) -> None:
    short = solved.take(frames=20)
    files = [short.write_glb(tmp_path / GLB, told_hz=30.0), *job(tmp_path, XPOS)]
    found = decoding.decode(files, DecodeOptions(take=FACTS))
    moves_as(found, short)
    assert found.warnings == (
        f"{TOO_SLOW.format('the take')} The speed of the take was used.",
        "motion.glb has 20 frames, xpos.parquet 31; they may be of different jobs.",
        "motion.glb has 20 frames, the take 31; look whether its end is there.",
    )
    # What both have is compared, moment by moment.
    assert found.distance is not None
    assert found.distance.frames == 20
    assert found.distance.largest_mm < 1e-3


@pytest.mark.parametrize("name", [GLB, QPOS, NPZ])
@pytest.mark.parametrize("frames", [1, 31])
def test_a_single_frame(tmp_path: Path, model: Path, name: str, frames: int) -> None:
    one = solved.take(frames=1)
    take = TakeFacts(rate_hz=120.0, frames=frames)
    options = DecodeOptions(model=model, take=take, with_angles=True)
    found = decoding.decode(job(tmp_path, name, take=one), options)
    moves_as(found, one.angles_only() if name == NPZ else one)
    check_angles(found.angles, one, np.zeros(1))
    said = f"{name} has 1 frame, the take 31; look whether its end is there."
    assert (said in found.warnings) == (frames == 31)


# Tables


def test_coordinates_have_times_of_their_own(tmp_path: Path, model: Path) -> None:
    """Uneven ones too; they go before those of positions, with which frames are compared."""
    path = write(tmp_path, QPOS, TAKE)
    xpos = write(tmp_path, XPOS, at(60.0))
    for take in (None, FACTS):
        found = decoding.decode([path, xpos], DecodeOptions(model=model, take=take))
        moves_as(found, TAKE)
        assert found.warnings == ()
        assert found.distance is not None
        assert found.distance.largest_mm < 1e-3


def test_coordinates_of_another_speed_than_the_take(tmp_path: Path, model: Path) -> None:
    path = write(tmp_path, QPOS, at(30.0))
    found = decoding.decode([path], DecodeOptions(model=model, take=FACTS))
    moves_as(found, TAKE)
    assert found.warnings[0].startswith("qpos.parquet says 30 frames/s, the take 120:")


def test_positions_of_another_length_than_coordinates(tmp_path: Path, model: Path) -> None:
    files = [*job(tmp_path, QPOS), write(tmp_path, XPOS, solved.take(frames=20))]
    found = decoding.decode(files, DecodeOptions(model=model))
    moves_as(found, TAKE)
    assert found.warnings == (
        "qpos.parquet has 31 frames, xpos.parquet 20; they may be of different jobs.",
    )
    assert found.distance is not None
    assert found.distance.frames == 20


# Angles, which have no times


def test_angles_get_their_times_from_the_take(tmp_path: Path, model: Path) -> None:
    found = decoding.decode(job(tmp_path, NPZ), DecodeOptions(model=model, take=FACTS))
    moves_as(found, TAKE.angles_only())
    assert not any("frames" in said for said in found.warnings)


def test_angles_get_their_times_from_their_metadata(tmp_path: Path, model: Path) -> None:
    path = with_rate(tmp_path / NPZ, 50.0)
    found = decoding.decode([path], DecodeOptions(model=model))
    moves_as(found, at(50.0, TAKE.angles_only()))
    np.testing.assert_allclose(decoding.read_angles([path]).times, np.arange(31) / 50.0)


@pytest.mark.parametrize("name", [XPOS, QPOS])
def test_angles_get_their_times_from_a_table(tmp_path: Path, model: Path, name: str) -> None:
    """An armature without joints has no use for the coordinates but their times."""
    files = job(tmp_path, NPZ, name)
    options = DecodeOptions(model=model) if name == XPOS else DecodeOptions(character=bodies())
    found = decoding.decode(files, options)
    assert found.source == NPZ
    moves_as(found, TAKE.angles_only())
    check_angles(decoding.read_angles(files), TAKE, TAKE.times)


def test_angles_beside_poses_have_the_times_of_these(tmp_path: Path) -> None:
    files = [at(50.0).write_glb(tmp_path / GLB), *job(tmp_path, NPZ)]
    found = decoding.decode(files, DecodeOptions(with_angles=True))
    check_angles(found.angles, TAKE, at(50.0).times)
    assert found.warnings == ()
    check_angles(decoding.read_angles(files), TAKE, at(50.0).times)


def test_angles_beside_poses_need_no_speed_of_their_own(tmp_path: Path) -> None:
    """One file's wrong speed is told, once: that of the motion."""
    files = [TAKE.write_glb(tmp_path / GLB, told_hz=30.0), with_rate(tmp_path / NPZ, 24.0)]
    found = decoding.decode(files, DecodeOptions(with_angles=True, take=FACTS))
    check_angles(found.angles, TAKE, TAKE.times)
    (sentence,) = found.warnings
    assert sentence.startswith("motion.glb says 30 frames/s")


def test_angles_that_nothing_tells_the_speed_of(tmp_path: Path, model: Path) -> None:
    options = DecodeOptions(model=model, with_angles=True)
    says = "output.npz holds no times; give the rate"
    path = job(tmp_path, NPZ)[0]
    # A table of another number of frames tells nothing either.
    other = write(tmp_path, XPOS, solved.take(frames=20))
    for files in ([path], [path, other]):
        with pytest.raises(InputError, match=f"^{says}"):
            decoding.decode(files, options)
        with pytest.raises(InputError, match=f"^{says}"):
            decoding.read_angles(files, options)
    glb_path = solved.take(frames=20).write_glb(tmp_path / GLB)
    found = decoding.decode([glb_path, path], options)
    assert found.angles is None
    assert found.warnings[0].startswith(f"There are no joint angles: {says}")


@pytest.mark.parametrize(("by", "take"), [("the take", FACTS), (XPOS, None)])
def test_metadata_may_be_as_wrong_as_a_glb(
    tmp_path: Path, model: Path, by: str, take: TakeFacts | None
) -> None:
    files = [with_rate(tmp_path / NPZ, 30.0), *job(tmp_path, XPOS)]
    found = decoding.decode(files, DecodeOptions(model=model, take=take))
    moves_as(found, TAKE.angles_only())
    assert found.warnings[-1] == (
        f"output.npz says 30 frames/s, {by} 120: it would have played 4 times too slowly. The "
        f"speed of {by} was used."
    )


def test_angles_that_were_resampled_are_kept(tmp_path: Path, model: Path) -> None:
    low = every(3)
    path = with_rate(tmp_path / NPZ, 40.0, low)
    found = decoding.decode([path], DecodeOptions(model=model, take=FACTS))
    moves_as(found, low.angles_only())
    assert not any("frames" in said for said in found.warnings)


def test_angles_that_end_early_are_told(tmp_path: Path, model: Path) -> None:
    short = solved.take(frames=20)
    files = job(tmp_path, NPZ, take=short)
    found = decoding.decode(files, DecodeOptions(model=model, take=FACTS))
    moves_as(found, short.angles_only())
    assert found.warnings[-1] == (
        "output.npz has 20 frames, the take 31; look whether its end is there."
    )


def test_each_file_is_read_once(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour of capture takes seconds to decode."""
    files = [write(tmp_path, name, OTHERS[name]) for name in ALL]
    counted: list[str] = []
    for module, name in (
        (glb, "read"), (npz, "read"), (parquet, "read_qpos"), (parquet, "read_xpos")
    ):  # fmt: skip
        true = getattr(module, name)

        def count(path: Path, true: object = true) -> object:
            counted.append(path.name)
            return true(path)  # type: ignore[operator]

        monkeypatch.setattr(module, name, count)
    (tmp_path / "short").mkdir()
    unlike = [files[0], write(tmp_path / "short", NPZ, solved.take(frames=20))]
    for kept in (files, files[:2], files[1:], files[2:], files[:3:2]):
        options = DecodeOptions(model=model, with_angles=True)
        for call in (decoding.decode, decoding.read_angles):
            counted.clear()
            call(kept, options)
            assert len(counted) == len(set(counted)), (call, kept)
    counted.clear()
    assert decoding.decode(unlike, DecodeOptions(with_angles=True)).angles is None
    assert sorted(counted) == [GLB, NPZ]
