# SPDX-License-Identifier: GPL-3.0-or-later
"""Outputs that are damaged, several at once: a motion whose numbers are numbers, or a sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myosapiens_addon.errors import MyoSapiensError
from myosapiens_addon.motion import decoding
from myosapiens_addon.motion.decoding import Decoded, DecodeOptions
from myosapiens_addon.motion.timing import TakeFacts
from tests.helpers import solved
from tests.unit.decoding_bench import ALL, GLB, QPOS, TAKE, XPOS, bodies, job

Found = TypeVar("Found")
Damage = Callable[[bytes], bytes]
SHARE = st.floats(0.0, 1.0, exclude_max=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Every file as it should be, and a model."""
    folder = tmp_path_factory.mktemp("whole")
    solved.write_model(folder / "model.xml")
    job(folder, *ALL)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def flipped(places: list[tuple[float, int]]) -> Damage:
    def damage(data: bytes) -> bytes:
        out = bytearray(data)
        for share, bits in places:
            out[int(share * len(out))] ^= bits
        return bytes(out)

    return damage


def cut(share: float) -> Damage:
    return lambda data: data[: int(share * len(data))]


def holed(share: float, count: int, value: int) -> Damage:
    def damage(data: bytes) -> bytes:
        start = int(share * len(data))
        return (
            data[:start] + bytes([value]) * len(data[start : start + count]) + data[start + count :]
        )

    return damage


def as_it_is(data: bytes) -> bytes:
    return data


FLIPS = st.lists(st.tuples(SHARE, st.integers(1, 255)), min_size=1, max_size=6)
DAMAGES: st.SearchStrategy[Damage] = st.one_of(
    st.just(as_it_is),
    FLIPS.map(flipped),
    SHARE.map(cut),
    st.builds(holed, SHARE, st.integers(1, 64), st.sampled_from([0x00, 0x7F, 0xFF])),
)
TAKES = st.sampled_from(
    [None, TakeFacts(rate_hz=120.0), TakeFacts(rate_hz=60.0, frames=31), TakeFacts(rate_hz=240.0)]
)


def is_sentence(text: str) -> bool:
    return text.isprintable() and text.endswith(".") and len(text) < 700


def tried(
    call: Callable[[Sequence[Path], DecodeOptions], Found],
    files: list[Path],
    options: DecodeOptions,
) -> Found | None:
    """What is found, or None where it is refused in a sentence."""
    try:
        return call(files, options)
    except MyoSapiensError as error:
        said = error.sentence
    assert is_sentence(said), said
    return None


def check(found: Decoded | None) -> None:
    if found is None:
        return
    motion = found.motion
    assert np.isfinite(motion.positions).all()
    assert np.abs(np.linalg.norm(motion.rotations, axis=-1) - 1.0).max() < 1e-6
    assert np.isfinite(motion.times).all()
    assert motion.times[0] == 0.0
    assert all(is_sentence(said) for said in found.warnings), found.warnings
    assert len(set(found.warnings)) == len(found.warnings)
    if found.angles is not None:
        assert np.isfinite(found.angles.values).all()
        assert len(found.angles.times) == len(found.angles.values)
    if found.distance is not None:
        assert np.isfinite([found.distance.largest_mm, found.distance.mean_mm]).all()


@settings(
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    damages=st.dictionaries(st.sampled_from(ALL), DAMAGES, min_size=1),
    take=TAKES,
    character=st.sampled_from(["model", "bodies", "none"]),
    with_angles=st.booleans(),
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_motion_or_a_sentence(
    tmp_path: Path,
    whole: dict[str, bytes],
    damages: dict[str, Damage],
    take: TakeFacts | None,
    character: str,
    with_angles: bool,
) -> None:
    files: list[Path] = []
    for name, damage in damages.items():
        files.append(tmp_path / name)
        files[-1].write_bytes(damage(whole[name]))
    (tmp_path / "model.xml").write_bytes(whole["model.xml"])
    options = DecodeOptions(
        model=tmp_path / "model.xml" if character == "model" else None,
        character=bodies() if character == "bodies" else None,
        take=take,
        with_angles=with_angles,
    )
    check(tried(decoding.decode, files, options))
    found = tried(decoding.read_angles, files, options)
    if found is not None:
        assert np.isfinite(found.values).all()
        assert np.isfinite(found.times).all()
        assert all(is_sentence(note) for note in found.notes)


@pytest.mark.parametrize("content", [b"", b"\0", b"PK", b"glTF", b"PAR1", b"<html>", b"x" * 5000])
@pytest.mark.parametrize("name", ALL)
def test_content_that_is_none(
    tmp_path: Path, whole: dict[str, bytes], name: str, content: bytes
) -> None:
    """Each is named; where it is only a check, the motion is there all the same."""
    files = [tmp_path / each for each in ALL]
    for path in files:
        path.write_bytes(whole[path.name])
    (tmp_path / name).write_bytes(content)
    (tmp_path / "model.xml").write_bytes(whole["model.xml"])
    options = DecodeOptions(model=tmp_path / "model.xml", with_angles=True)
    kept = files[ALL.index(name) :] if name != XPOS else files
    if name == XPOS:
        found = decoding.decode(kept, options)
        assert any(said.startswith("The motion was not compared: xpos") for said in found.warnings)
        return
    with pytest.raises(MyoSapiensError, match=f"^{name} "):
        decoding.decode(kept, options)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("other", ALL)
def test_files_under_each_other_s_names(
    tmp_path: Path, whole: dict[str, bytes], name: str, other: str
) -> None:
    path = tmp_path / name
    path.write_bytes(whole[other])
    (tmp_path / "model.xml").write_bytes(whole["model.xml"])
    take = TakeFacts(rate_hz=120.0)
    options = DecodeOptions(model=tmp_path / "model.xml", take=take, with_angles=True)
    if name == other and name != XPOS:
        check(decoding.decode([path], options))
        return
    with pytest.raises(MyoSapiensError) as caught:
        decoding.decode([path], options)
    assert name in caught.value.sentence
    assert is_sentence(caught.value.sentence)


def test_a_table_of_positions_under_the_name_of_coordinates_beside_a_glb(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    """Its times are right all the same; its columns are no angles, and it is said."""
    (tmp_path / GLB).write_bytes(whole[GLB])
    (tmp_path / QPOS).write_bytes(whole[XPOS])
    found = decoding.decode([tmp_path / GLB, tmp_path / QPOS])
    assert np.allclose(found.motion.times, TAKE.times, atol=1e-6)
    assert found.warnings == ()
