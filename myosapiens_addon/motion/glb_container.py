# SPDX-License-Identifier: GPL-3.0-or-later
"""The binary glTF 2.0 container: its JSON, its binary chunk and its accessors as arrays.

Source: Khronos glTF 2.0 specification, chapters 3.6 (buffers, accessors) and 4 (GLB file format).
"""

from __future__ import annotations

import json
import reprlib
import stat
import struct
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn, cast

import numpy as np

from ..errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from .motion import FloatArray

Json = dict[str, Any]

MAGIC = b"glTF"
JSON_CHUNK = 0x4E4F534A
BINARY_CHUNK = 0x004E4942
HEADER_BYTES, CHUNK_HEADER_BYTES = 12, 8
# What stands in the JSON takes up to 24 times its size in memory; a motion needs 100 kB of it.
MOST_JSON_BYTES = 1 << 24
COMPONENTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
# Component type: numpy type, and the largest integer where the values may be normalised.
TYPES = {
    5120: (np.dtype("<i1"), 127.0),
    5121: (np.dtype("<u1"), 255.0),
    5122: (np.dtype("<i2"), 32767.0),
    5123: (np.dtype("<u2"), 65535.0),
    5125: (np.dtype("<u4"), 0.0),
    5126: (np.dtype("<f4"), 0.0),
}
# Component type and type: numpy type, components of a value, bytes of one and of all of them.
LAYOUTS = {
    (component, kind): (dtype, width, dtype.itemsize, dtype.itemsize * width)
    for component, (dtype, _) in TYPES.items()
    for kind, width in COMPONENTS.items()
}
FLOAT = 5126
# Extensions that change nothing of what is read here: nodes and animations.
HARMLESS_EXTENSIONS = (
    "KHR_draco_mesh_compression",
    "KHR_materials_",
    "KHR_mesh_quantization",
    "KHR_texture_",
    "KHR_lights_",
    "KHR_xmp",
    "EXT_texture_",
)


def shown(value: object) -> str:
    """Something of the file for a message: on one line, and short however long it is."""
    return reprlib.repr(value)


class Container:
    """A parsed GLB file.

    Attributes:
        name: the file's name, for messages.
        document: the JSON chunk.
        binary: the binary chunk.
    """

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            OutputError: the file cannot be read or is no GLB.
        """
        self.name = path.name
        self._lists: dict[str, list[Json]] = {}
        text, self.binary = self._split(memoryview(self._bytes_of(path)))
        self.document = self._parsed(text)
        for extension in self._items_of(self.document.get("extensionsRequired", []), str):
            if not extension.startswith(HARMLESS_EXTENSIONS):
                what = f"needs the extension {shown(extension)}, which is not supported"
                raise self.error(what)

    def error(self, what: str) -> OutputError:
        """An error that names this file: `what` completes the sentence."""
        return OutputError(f"{self.name} {what}; fetch the job's output again.")

    def items(self, key: str) -> list[Json]:
        """The objects of a top-level list, empty where it is missing."""
        if key not in self._lists:
            self._lists[key] = self._items_of(self.document.get(key, []), dict)
        return self._lists[key]

    def list_of(self, entry: Json, key: str) -> list[Json]:
        """The objects of a list inside an object, empty where it is missing."""
        return self._items_of(entry.get(key, []), dict)

    def object_of(self, entry: Json, key: str) -> Json:
        """An object inside an object, empty where it is missing."""
        value: object = entry.get(key, {})
        if not isinstance(value, dict):
            raise self.error(f"is damaged: {key} is {shown(value)}")
        return cast("Json", value)

    def accessor(self, index: object, kind: str) -> FloatArray:
        """An accessor's values as float64, integers normalised as glTF says.

        Args:
            index: the accessor's index, as found in the file.
            kind: `SCALAR`, `VEC3` or `VEC4`.

        Returns:
            (N,) for SCALAR, else (N, components).

        Raises:
            OutputError: it points outside the file, or its type is another.
        """
        if self.at("accessors", index).get("type") != kind:
            raise self.error(f"is damaged: accessor {index} is not a plain {kind}")
        entry, raw = self.stored(index)
        scale = TYPES[entry["componentType"]][1]
        values = raw.astype(np.float64)
        if scale and entry.get("normalized"):
            values = np.maximum(values / scale, -1.0)
        if not np.all(np.isfinite(values)):
            raise self.error(f"is damaged: accessor {index} holds values that are no numbers")
        return values[:, 0] if kind == "SCALAR" else values

    def stored(self, index: object) -> tuple[Json, NDArray[Any]]:
        """An accessor's description, and its values (N, components) as the file has them: no copy.

        Raises:
            OutputError: it points outside the file, or is of a kind that is not read here.
        """
        entry = self.at("accessors", index)
        kind: object = entry.get("type")
        component: object = entry.get("componentType")
        if not isinstance(kind, str) or type(component) is not int:
            raise self.error(f"is damaged: accessor {index} has no type")
        layout = LAYOUTS.get((component, kind))
        if layout is None:
            raise self.error(f"is damaged: accessor {index} is of an unknown type")
        dtype, width, bytes_each, item = layout
        start, number, stride = self.span(entry, item)
        strides = (stride, bytes_each)
        return entry, np.ndarray((number, width), dtype, self.binary, start, strides)

    def span(self, entry: Json, item: int) -> tuple[int, int, int]:
        """Where an accessor's values lie in the binary chunk.

        Args:
            entry: the accessor.
            item: the bytes of one value.

        Returns:
            Where the first begins, how many there are, and the bytes from one to the next.

        Raises:
            OutputError: that is outside the file, or they overlap.
        """
        if "sparse" in entry:
            raise self.error("stores an accessor sparsely, which is not supported")
        view = self.at("bufferViews", entry.get("bufferView"))
        if view.get("buffer") != 0:
            raise self.error("keeps its data in another file, which is not supported")
        number, inner = entry.get("count", 0), entry.get("byteOffset", 0)
        start, length = view.get("byteOffset", 0), view.get("byteLength", 0)
        stride = view.get("byteStride", item)
        # Asked at once, because there are hundreds of accessors: `count` would take its time.
        whole = type(number) is type(inner) is type(start) is type(length) is type(stride) is int
        # All bits together have a sign where one of the numbers has.
        if not whole or number | inner | start | length | stride < 0:
            numbers = (number, inner, start, length, stride)
            raise self.error(f"is damaged: an accessor's numbers are {shown(numbers)}")
        if number == 0:
            raise self.error("is damaged: an accessor holds nothing")
        used = inner + (number - 1) * stride + item
        if start + length > self._own_bytes or stride < item or used > length:
            raise self.error("is damaged: its data lies outside the file")
        return start + inner, number, stride

    def view(self, index: object) -> memoryview:
        """The bytes of a buffer view, without a copy.

        Raises:
            OutputError: it lies outside the file.
        """
        entry = self.at("bufferViews", index)
        start, length = self.count(entry, "byteOffset"), self.count(entry, "byteLength")
        if start + length > len(self.binary):
            raise self.error("is damaged: its data lies outside the file")
        return self.binary[start : start + length]

    def at(self, key: str, index: object) -> Json:
        """Entry `index` of a top-level list.

        Raises:
            OutputError: there is no such entry.
        """
        entries = self._lists[key] if key in self._lists else self.items(key)
        # Neither 1.0 nor true is a place in a list, whatever Python thinks of the latter.
        if type(index) is not int or not 0 <= index < len(entries):
            raise self.error(f"is damaged: it refers to {key}[{shown(index)}], which is not there")
        return entries[index]

    def count(self, entry: Json, key: str, default: int = 0) -> int:
        """A whole number ≥ 0 of an object.

        Raises:
            OutputError: it is something else.
        """
        value: object = entry.get(key, default)
        if type(value) is not int or value < 0:
            raise self.error(f"is damaged: {key} is {shown(value)}")
        return value

    @cached_property
    def _own_bytes(self) -> int:
        """The size of the first buffer, which has to be the binary chunk."""
        buffer = self.at("buffers", 0)
        if "uri" in buffer:
            raise self.error("keeps its data in another file (uri), which is not supported")
        return min(self.count(buffer, "byteLength"), len(self.binary))

    def _items_of(self, value: object, kind: type[Any]) -> list[Any]:
        if isinstance(value, list):
            entries = cast("list[Any]", value)
            if {kind}.issuperset(map(type, entries)):
                return entries
        raise self.error("is damaged: its description has a list of the wrong shape")

    def _bytes_of(self, path: Path) -> bytes:
        """The file as far as its header says; of what is no GLB the header alone is read."""
        try:
            # Opening a pipe would wait for somebody to write into it.
            if stat.S_ISFIFO(path.stat().st_mode):
                raise self.error("is a pipe, no file")
            with path.open("rb") as stream:
                length = self._length(stream.read(HEADER_BYTES + CHUNK_HEADER_BYTES))
                there = stream.seek(0, 2)
                if length > there:
                    raise self.error(f"is cut off: {there} of {length} bytes are there")
                stream.seek(0)
                return stream.read(length)
        except OSError as error:
            raise OutputError(f"{path} cannot be read: {error.strerror or error}.") from error

    def _length(self, head: bytes) -> int:
        if len(head) < HEADER_BYTES + CHUNK_HEADER_BYTES or head[:4] != MAGIC:
            raise self.error("is no GLB file (binary glTF)")
        version, length = struct.unpack_from("<II", head, 4)
        if version != 2:
            raise self.error(f"is glTF version {version}; version 2 is needed")
        if length < len(head):
            raise self.error(f"is damaged: it says that it is {length} bytes long")
        return length

    def _split(self, data: memoryview) -> tuple[memoryview, memoryview]:
        """The first two chunks: the JSON, and the binary one where there is one."""
        kind, text, rest = self._chunk(data[HEADER_BYTES:])
        if kind != JSON_CHUNK:
            raise self.error("is damaged: it has no description (JSON chunk)")
        if len(text) > MOST_JSON_BYTES:
            what = f"has a description of {len(text)} bytes, more than {MOST_JSON_BYTES}"
            raise self.error(what)
        if len(rest) >= CHUNK_HEADER_BYTES:
            kind, binary, _ = self._chunk(rest)
            if kind == BINARY_CHUNK:
                return text, binary
        return text, data[:0]

    def _chunk(self, data: memoryview) -> tuple[int, memoryview, memoryview]:
        """The kind and the content of the chunk that stands first, and what follows it."""
        if len(data) < CHUNK_HEADER_BYTES:
            raise self.error("is cut off")
        size, kind = struct.unpack_from("<II", data)
        end = CHUNK_HEADER_BYTES + size
        if end > len(data):
            raise self.error("is damaged: a chunk is longer than the file")
        return kind, data[CHUNK_HEADER_BYTES:end], data[end:]

    def _parsed(self, text: memoryview) -> Json:
        try:
            document: object = json.loads(str(text, "utf-8"), parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise self.error("is damaged: its description is no JSON") from error
        return self.object_of({"description": document}, "description")


def _refuse(constant: str) -> NoReturn:
    """NaN and the infinities are no JSON, but Python reads them."""
    raise ValueError(constant)
