# SPDX-License-Identifier: GPL-3.0-or-later
"""Damage of every kind, done to a good file: a motion of numbers comes out, or one sentence."""

from __future__ import annotations

import copy
import json
import struct
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myosapiens_addon.errors import MyoSapiensError
from myosapiens_addon.motion import glb
from tests.helpers import effort
from tests.helpers.glb_writer import rewritten, two_bodies

Json = dict[str, Any]

MOST_CALLS = 20_000
MOST_BYTES = 20e6
NO_DEADLINE = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, 2, 3, -1, 7, 0.0, 1.0, 0.5, -0.5, 1e308, 1e-320, 2**31, 2**32 - 1,
    2**63, 10**30, 10**400, "", "a", "mocap_", "VEC3", "SCALAR", "STEP", "CUBICSPLINE", "\ud800",
    "x" * 9999, [], [0], [1, 2], [[]], [{}], [None], [0, 0, 0], [0.0, 0.0, 0.0, 1.0], [1e38] * 3,
    {}, {"a": {}}, 5120, 5121, 5122, 5123, 5125, 5126,
)  # fmt: skip


def survives(path: Path) -> bool:
    """That nothing but a motion or a sentence comes of the file; tells whether a motion did."""
    tracemalloc.start()
    motion, sentence = None, ""
    with effort.counted() as spent:
        try:
            motion = glb.read(path)
        except MyoSapiensError as error:
            sentence = error.sentence
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
    assert spent.calls < MOST_CALLS
    assert peak < MOST_BYTES
    assert "\n" not in sentence
    assert len(sentence) < 400
    if motion is None:
        return False
    for name in ("positions", "rotations", "rest_positions", "rest_rotations", "times"):
        assert np.isfinite(getattr(motion, name)).all(), name
    np.testing.assert_allclose(np.linalg.norm(motion.rotations, axis=-1), 1.0, atol=1e-9)
    return True


@pytest.fixture
def whole(tmp_path: Path) -> bytes:
    return two_bodies().save(tmp_path / "whole.glb").read_bytes()


def places(document: dict[Any, Any] | list[Any]) -> Iterator[tuple[str | int, ...]]:
    """The way to every value of a description."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in items:
        yield (key,)
        if isinstance(value, dict | list):
            yield from ((key, *rest) for rest in places(value))


def changed(document: Json, way: tuple[str | int, ...], value: object) -> Json:
    out = copy.deepcopy(document)
    holder: Any = out
    for key in way[:-1]:
        holder = holder[key]
    holder[way[-1]] = value
    return out


WAYS = list(places(two_bodies().document))


def test_any_value_may_be_odd(tmp_path: Path) -> None:
    file = two_bodies()
    file.save(tmp_path / "m.glb")
    # Of accessors, views and channels that are alike, the first few are enough.
    ways = [way for way in WAYS if not any(type(key) is int and key > 2 for key in way)]
    good = 0
    for way in ways:
        for value in ODD:
            document = changed(file.document, way, value)
            good += survives(rewritten(tmp_path / "m.glb", document, file.binary))
    assert 0.05 < good / (len(ways) * len(ODD)) < 0.6


def test_anything_may_be_missing(tmp_path: Path) -> None:
    file = two_bodies()
    file.save(tmp_path / "m.glb")
    for way in WAYS:
        document = copy.deepcopy(file.document)
        holder: Any = document
        for key in way[:-1]:
            holder = holder[key]
        del holder[way[-1]]
        survives(rewritten(tmp_path / "m.glb", document, file.binary))


@NO_DEADLINE
@given(damage=st.lists(st.tuples(st.sampled_from(WAYS), st.sampled_from(ODD)), max_size=4))
def test_several_values_may_be_odd(tmp_path: Path, damage: list[tuple[Any, object]]) -> None:
    file = two_bodies()
    file.save(tmp_path / "m.glb")
    document = file.document
    for way, value in damage:
        try:
            document = changed(document, way, value)
        except (LookupError, TypeError):
            continue  # what held it is no more
    survives(rewritten(tmp_path / "m.glb", document, file.binary))


JSON = st.recursive(
    st.sampled_from(ODD),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@NO_DEADLINE
@given(way=st.sampled_from(WAYS), value=JSON)
def test_any_value_may_be_any_json(
    tmp_path: Path, way: tuple[str | int, ...], value: object
) -> None:
    file = two_bodies()
    file.save(tmp_path / "m.glb")
    document = changed(file.document, way, value)
    survives(rewritten(tmp_path / "m.glb", document, file.binary))


@NO_DEADLINE
@given(data=st.data())
def test_bytes_may_be_flipped(tmp_path: Path, whole: bytes, data: st.DataObject) -> None:
    text_size = struct.unpack_from("<I", whole, 12)[0]
    parts = {"header": (0, 20), "text": (20, 20 + text_size), "binary": (28, len(whole))}
    first, last = parts[data.draw(st.sampled_from(sorted(parts)))]
    flipped = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        flipped[data.draw(st.integers(first, last - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path / "m.glb"
    path.write_bytes(flipped)
    survives(path)


def test_each_bit_of_the_headers_may_be_flipped(tmp_path: Path, whole: bytes) -> None:
    text_size = struct.unpack_from("<I", whole, 12)[0]
    path = tmp_path / "m.glb"
    for place in (*range(20), *range(20 + text_size, 28 + text_size)):
        for bit in range(8):
            flipped = bytearray(whole)
            flipped[place] ^= 1 << bit
            path.write_bytes(flipped)
            assert not survives(path), (place, bit)


def test_the_file_may_end_anywhere(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "m.glb"
    border = 20 + struct.unpack_from("<I", whole, 12)[0]
    ends = {*range(40), *range(border - 9, border + 40), *range(0, len(whole), 61)}
    for end in sorted(ends):
        path.write_bytes(whole[:end])
        assert not survives(path), end
        # The same where the header knows how much is left.
        path.write_bytes(whole[:8] + struct.pack("<I", end) + whole[12:end])
        assert not survives(path), end


def test_a_binary_chunk_may_be_cut_off_cleanly(tmp_path: Path) -> None:
    file = two_bodies()
    file.save(tmp_path / "m.glb")
    for size in range(0, len(file.binary), 13):
        path = rewritten(tmp_path / "m.glb", file.document, file.binary[:size])
        assert not survives(path), size


@NO_DEADLINE
@given(numbers=st.lists(st.floats(width=32), min_size=1, max_size=12), place=st.integers(0, 239))
def test_keys_may_be_any_floats(tmp_path: Path, numbers: list[float], place: int) -> None:
    file = two_bodies()
    path = file.save(tmp_path / "m.glb")
    keys = np.frombuffer(file.binary, "<f4").copy()
    spoilt = keys[place : place + len(numbers)]
    spoilt[:] = numbers[: len(spoilt)]
    survives(rewritten(path, json.loads(json.dumps(file.document)), keys.tobytes()))
