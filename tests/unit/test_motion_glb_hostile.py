# SPDX-License-Identifier: GPL-3.0-or-later
"""Files made to hurt: one sentence, for little, and no memory beyond the size of the file."""

from __future__ import annotations

import json
import os
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from myosapiens_addon.errors import OutputError
from myosapiens_addon.motion import glb
from tests.helpers import effort
from tests.helpers.glb_writer import Odd, f4, rewritten, two_bodies, with_text

MOST_CALLS = 1_000_000
# What is in a file may take so many times its size, and a small one that much anyway.
TIMES_THE_FILE, ALWAYS_BYTES = 30, 80e6


def refused(path: Path, words: str | None = None) -> None:
    """That the file gets one sentence that has these words, without much work or memory."""
    tracemalloc.start()
    try:
        with pytest.raises(OutputError, match=words) as caught:
            glb.read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "\n" not in caught.value.sentence
    assert len(caught.value.sentence) < 400
    assert caught.value.sentence.endswith(".")
    assert peak < TIMES_THE_FILE * path.stat().st_size + ALWAYS_BYTES
    with effort.counted() as spent, pytest.raises(OutputError):
        glb.read(path)
    assert spent.calls < MOST_CALLS


def test_the_file_that_is_spoilt_below_is_good(tmp_path: Path) -> None:
    assert glb.read(two_bodies().save(tmp_path / "m.glb")).names == ("a", "b")


def changed(*keys: str | int | slice, to: object) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        place: Any = document
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = to

    return change


def removed(*keys: str | int) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        place: Any = document
        for key in keys[:-1]:
            place = place[key]
        del place[keys[-1]]

    return change


SPOILT = {
    "count of terabytes": (changed("accessors", 0, "count", to=10**12), "outside the file"),
    "count beyond 64 bits": (changed("accessors", 1, "count", to=10**30), "outside the file"),
    "count of a float": (changed("accessors", 1, "count", to=20.0), "numbers"),
    "count of a truth": (changed("accessors", 1, "count", to=True), "numbers"),
    "count of text": (changed("accessors", 1, "count", to="20"), "numbers"),
    "no count": (removed("accessors", 0, "count"), "holds nothing"),
    "fewer values": (changed("accessors", 1, "count", to=19), "20 times for 19 values"),
    "no stride to speak of": (changed("bufferViews", 1, "byteStride", to=0), "outside the file"),
    "a stride below the item": (changed("bufferViews", 1, "byteStride", to=4), "outside"),
    "a stride out of the view": (changed("bufferViews", 1, "byteStride", to=10**20), "outside"),
    "a negative stride": (changed("bufferViews", 1, "byteStride", to=-16), "numbers"),
    "an offset out of the view": (changed("accessors", 1, "byteOffset", to=8), "outside"),
    "a negative offset": (changed("accessors", 1, "byteOffset", to=-8), "numbers"),
    "a view out of the file": (changed("bufferViews", 7, "byteLength", to=10**9), "outside"),
    "a view that begins outside": (changed("bufferViews", 7, "byteOffset", to=10**18), "outside"),
    "a negative length": (changed("bufferViews", 7, "byteLength", to=-1), "numbers"),
    "another buffer": (changed("bufferViews", 0, "buffer", to=1), "another file"),
    "a buffer elsewhere": (changed("buffers", 0, "uri", to="motion.bin"), "another file"),
    "no buffer": (removed("buffers"), r"buffers\[0\]"),
    "a shorter buffer": (changed("buffers", 0, "byteLength", to=100), "outside the file"),
    "a sparse accessor": (changed("accessors", 1, "sparse", to={"count": 1}), "sparsely"),
    "sparse times": (changed("accessors", 0, "sparse", to={"count": 1}), "sparsely"),
    "no view": (removed("accessors", 1, "bufferView"), r"bufferViews\[None\]"),
    "an index of a float": (changed("accessors", 1, "bufferView", to=1.0), "not there"),
    "an index of a truth": (changed("accessors", 1, "bufferView", to=True), "not there"),
    "a negative index": (changed("accessors", 1, "bufferView", to=-1), "not there"),
    "a list for an index": (changed("accessors", 1, "bufferView", to=[1]), "not there"),
    "an accessor of text": (changed("accessors", 1, to="here"), "list of the wrong shape"),
    "a type of a list": (changed("accessors", 1, "type", to=["VEC4"]), "no type"),
    "an unknown type": (changed("accessors", 1, "type", to="VEC9"), "unknown type"),
    "a type of another width": (changed("accessors", 1, "type", to="VEC3"), "of a rotation"),
    "whole numbers for times": (changed("accessors", 0, "componentType", to=5125), "no times"),
    "whole numbers for values": (changed("accessors", 3, "componentType", to=5125), "no floats"),
    "a component of text": (changed("accessors", 1, "componentType", to="5126"), "no type"),
    "a ring of nodes": (changed("nodes", 2, "children", to=[0]), "ring"),
    "a node that is its own child": (changed("nodes", 3, "children", to=[3]), "two parents"),
    "a ring beside the tree": (
        changed("nodes", slice(None), to=[{"children": [1]}, {"children": [0]}, {}, {}]),
        "ring",
    ),
    "a child twice": (changed("nodes", 0, "children", to=[1, 1]), "two parents"),
    "a child of two": (changed("nodes", 3, "children", to=[2]), "two parents"),
    "a child of a float": (changed("nodes", 0, "children", to=[1.0]), "not there"),
    "children of text": (changed("nodes", 0, "children", to="1"), "children of a node"),
    "two bodies of one name": (changed("nodes", 2, "name", to="a"), "have the name 'a'"),
    "a name of a number": (changed("nodes", 2, "name", to=7), "name of node 2 is 7"),
    "a name of half characters": (changed("nodes", 2, "name", to="\ud83d"), "name of node 2"),
    "a translation of four": (changed("nodes", 1, "translation", to=[0, 0, 0, 0]), "translation"),
    "a translation of text": (changed("nodes", 1, "translation", to=["0"] * 3), "translation"),
    "a translation of truths": (changed("nodes", 1, "translation", to=[True] * 3), "translation"),
    "a translation of nothing": (changed("nodes", 1, "translation", to=None), "translation"),
    "a translation beyond floats": (
        changed("nodes", 1, "translation", to=[10**400, 0, 0]),
        "translation",
    ),
    "a translation beyond sums": (
        changed("nodes", 2, "translation", to=[1.7e308, 1.7e308, 1.7e308]),
        "positions that are no numbers",
    ),
    "a rotation of no length": (changed("nodes", 1, "rotation", to=[0] * 4), "unit length"),
    "a rotation of some length": (changed("nodes", 1, "rotation", to=[0, 0, 0, 2]), "unit"),
    "a scale": (changed("nodes", 1, "scale", to=[1, 1, 2]), "scales the node 'a'"),
    "a scale of text": (changed("nodes", 1, "scale", to="big"), "scale is 'big'"),
    "no nodes": (removed("nodes"), r"nodes\[1\]"),
    "nodes of an object": (changed("nodes", to={"0": {}}), "wrong shape"),
    "no animation": (removed("animations"), "no animation"),
    "an animation of text": (changed("animations", to=["walk"]), "wrong shape"),
    "no channels": (removed("animations", 0, "channels"), "no animated body"),
    "no samplers": (removed("animations", 0, "samplers"), "sampler 0"),
    "a target of text": (changed("animations", 0, "channels", 0, "target", to="a"), "target is"),
    "a target that is not there": (
        changed("animations", 0, "channels", 0, "target", "node", to=9),
        "not there",
    ),
    "a sampler of a float": (changed("animations", 0, "channels", 0, "sampler", to=0.0), "0.0"),
    "two channels for one": (
        changed("animations", 0, "channels", 2, "target", "node", to=1),
        "two channels move the rotation of node 1",
    ),
    "curves of no kind": (
        changed("animations", 0, "samplers", 0, "interpolation", to="BEZIER"),
        "unknown kind, 'BEZIER'",
    ),
    "curves of a list": (changed("animations", 0, "samplers", 0, "interpolation", to=[]), "kind"),
    "an extension": (changed("extensionsRequired", to=["EXT_meshopt_compression"]), "meshopt"),
    "an extension of a number": (changed("extensionsRequired", to=[1]), "wrong shape"),
    "extensions of text": (changed("extensionsRequired", to="KHR_lights_punctual"), "shape"),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_a_spoilt_description_gets_one_sentence(tmp_path: Path, kind: str) -> None:
    file = two_bodies()
    spoil, words = SPOILT[kind]
    binary = file.binary
    file.save(tmp_path / "m.glb")
    spoil(file.document)
    refused(rewritten(tmp_path / "m.glb", file.document, binary), words)


@pytest.mark.parametrize(
    "extension", ["KHR_draco_mesh_compression", "KHR_materials_unlit", "KHR_mesh_quantization"]
)
def test_extensions_of_meshes_and_looks_do_no_harm(tmp_path: Path, extension: str) -> None:
    file = two_bodies()
    file.document["extensionsRequired"] = [extension]
    assert glb.read(file.save(tmp_path / "m.glb")).names == ("a", "b")


BOMBS = {
    "deep lists": b"[" * 200_000,
    "deep objects": b'{"a":' * 200_000,
    "deep and whole": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a number of many digits": b'{"nodes": ' + b"9" * 100_000 + b"}",
    "no number": b'{"nodes": [{"translation": [NaN, 0, 0]}]}',
    "infinity": b'{"nodes": [{"translation": [0, -Infinity, 0]}]}',
    "no text": b'{"nodes": [{"name": "\xff\xfe"}]}',
    "another encoding": '{"nodes": []}'.encode("utf-16"),
    "a mark of the byte order": b"\xef\xbb\xbf{}",
    "a list": b"[]",
    "nothing": b"",
    "a number": b"12",
    "two descriptions": b"{}{}",
    "zeros": bytes(1000),
    "very many nodes": b'{"nodes": [' + b"{}," * 300_000 + b'{}], "animations": [{}]}',
    "very many lists": b'{"extensionsRequired": [' + b"[]," * 300_000 + b"[]]}",
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_description_that_is_a_bomb_gets_one_sentence(tmp_path: Path, kind: str) -> None:
    refused(with_text(tmp_path / "m.glb", BOMBS[kind], b""))


def test_a_key_that_stands_twice_counts_as_the_last(tmp_path: Path) -> None:
    file = two_bodies()
    path = file.save(tmp_path / "m.glb")
    text = b'{"nodes": 1,' + json.dumps(file.document).encode()[1:]
    assert glb.read(with_text(path, text, file.binary)).names == ("a", "b")


def test_a_description_of_many_megabytes_is_refused_unread(tmp_path: Path) -> None:
    refused(with_text(tmp_path / "m.glb", b" " * (17 << 20), b""), "description of 17825792 bytes")


def crowd(bodies: int, keys: int, *, shift: int = 0) -> Odd:
    """Many bodies, each turned by the same keys, or by keys that begin a little further."""
    file = Odd([{"name": f"b{body}"} for body in range(bodies)])
    times = file.add(np.arange(keys, dtype=np.float32))
    turns = file.add(f4([[0, 0, 0, 1]] * keys))
    views = file.document["bufferViews"]
    for body in range(bodies):
        own = []
        for accessor in (times, turns):
            copy = dict(file.document["accessors"][accessor])
            copy["count"] = keys - shift * bodies
            copy["byteOffset"] = shift * body * views[accessor]["byteLength"] // keys
            file.document["accessors"].append(copy)
            own.append(len(file.document["accessors"]) - 1)
        file.move(body, "rotation", *own)
    return file


@pytest.mark.parametrize(
    ("bodies", "keys", "shift"),
    [(4_000, 20_000, 0), (4_000, 20_000, 1), (200, 40_000, 1), (9_999, 100, 0), (20_000, 10, 0)],
)
def test_many_bodies_moved_by_the_same_keys_do_not_fill_the_memory(
    tmp_path: Path, bodies: int, keys: int, shift: int
) -> None:
    refused(crowd(bodies, keys, shift=shift).save(tmp_path / "m.glb"), "bodies|nodes|times")


def test_many_channels_for_one_node_are_refused_at_the_second(tmp_path: Path) -> None:
    file = two_bodies()
    file.document["animations"][0]["channels"] *= 10_000
    refused(file.save(tmp_path / "m.glb"), "two channels move")


def test_channels_with_times_of_their_own_do_not_fill_the_memory(tmp_path: Path) -> None:
    # Sampled at the times of all, each would have to hold a thousand times its keys.
    file = Odd([{"name": f"b{body}"} for body in range(1000)])
    for body in range(1000):
        times = (np.arange(200) + body / 1000).astype(np.float32)
        file.move(body, "translation", file.add(times), file.add(np.zeros((200, 3), np.float32)))
    refused(file.save(tmp_path / "m.glb"), "would move 1000 bodies")


def test_a_take_of_which_one_body_moves_is_read(tmp_path: Path) -> None:
    # All others follow: the arrays are many times the file, as they have to be.
    bodies, keys = 70, 16_000
    nodes: list[dict[str, Any]] = [{"name": f"b{k}", "children": [k + 1]} for k in range(bodies)]
    file = Odd([*nodes, {"name": "last"}])
    times = np.arange(keys, dtype=np.float32)
    file.move(0, "translation", file.add(times), file.add(np.zeros((keys, 3), np.float32)))
    assert glb.read(file.save(tmp_path / "m.glb")).positions.shape == (keys, bodies + 1, 3)


@pytest.mark.parametrize("moving", [0, 3_999, 49_999])
def test_a_chain_of_nodes_needs_no_recursion(tmp_path: Path, moving: int) -> None:
    length = 50_000 if moving > 4_000 else 4_000
    turn = [0.0, 0.6, 0.0, 0.8]
    file = Odd(
        [
            {"name": f"n{k}", "rotation": turn, "children": [k + 1] if k + 1 < length else []}
            for k in range(length)
        ]
    )
    times = file.add(f4([0, 1]))
    file.move(moving, "translation", times, file.add(np.zeros((2, 3), np.float32)))
    path = file.save(tmp_path / "m.glb")
    if length > 4_000:
        refused(path, "has 50000 nodes")
        return
    motion = glb.read(path)
    assert len(motion.names) == length - moving
    np.testing.assert_allclose(np.linalg.norm(motion.rotations, axis=-1), 1.0, atol=1e-9)


@pytest.mark.parametrize(
    "times",
    [
        [0.0, 0.2, 0.1],
        [0.0, 0.1, 0.1],
        [-0.1, 0.0, 0.1],
        [0.0, np.nan, 0.2],
        [np.nan, 0.1, 0.2],
        [0.0, 0.1, np.inf],
        [np.inf, np.inf, np.inf],
    ],
)
def test_times_that_do_not_rise_are_refused(tmp_path: Path, times: list[float]) -> None:
    file = Odd([{"name": "a"}])
    file.move(0, "translation", file.add(f4(times)), file.add(np.eye(3, dtype=np.float32)))
    refused(file.save(tmp_path / "m.glb"), "times of a channel do not rise")


def test_values_of_no_number_hidden_in_a_still_body_are_refused(tmp_path: Path) -> None:
    file = Odd([{"name": "a"}])
    nothing = np.full((2, 3), np.nan, np.float32)
    file.move(0, "translation", file.add(f4([0, 1])), file.add(nothing))
    refused(file.save(tmp_path / "m.glb"), "positions that are no numbers")


def test_a_message_does_not_repeat_what_is_long(tmp_path: Path) -> None:
    file = two_bodies()
    file.document["nodes"][1]["name"] = "x\n" * 100_000
    file.document["nodes"][1]["scale"] = [2, 2, 2]
    refused(file.save(tmp_path / "m.glb"), "scales the node")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "motion.glb"
    folder.mkdir()
    for path in (folder, tmp_path / "missing.glb"):
        with pytest.raises(OutputError, match="cannot be read"):
            glb.read(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have no names here")
def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "motion.glb")
    with pytest.raises(OutputError, match="is a pipe"):
        glb.read(tmp_path / "motion.glb")


def test_a_long_file_that_says_little_of_itself_is_read_no_further(tmp_path: Path) -> None:
    path = two_bodies().save(tmp_path / "m.glb")
    with path.open("r+b") as stream:
        stream.truncate(1 << 32)  # a hole
    tracemalloc.start()
    assert glb.read(path).names == ("a", "b")
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()
    with path.open("r+b") as stream:
        stream.write(b"PK\3\4")
    refused(path, "is no GLB file")


def test_a_header_that_promises_more_than_there_is(tmp_path: Path) -> None:
    path = tmp_path / "m.glb"
    path.write_bytes(b"glTF" + struct.pack("<IIII", 2, 0xFFFFFFFF, 8, 0x4E4F534A) + b"{}      ")
    refused(path, "is cut off: 28 of 4294967295 bytes")
    path.write_bytes(b"glTF" + struct.pack("<IIII", 2, 3, 8, 0x4E4F534A) + b"{}      ")
    refused(path, "says that it is 3 bytes long")
    path.write_bytes(b"glTF" + struct.pack("<IIII", 2, 28, 8, 0x004E4942) + b"{}      ")
    refused(path, "no description")


def test_want_of_memory_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(np, "empty", full)
    with pytest.raises(OutputError, match="needs more memory"):
        glb.read(two_bodies().save(tmp_path / "m.glb"))
