# SPDX-License-Identifier: GPL-3.0-or-later
"""The binary glTF 2.0 container: its JSON, its binary chunk and its accessors as arrays.

Source: Khronos glTF 2.0 specification, chapters 3.6.2 (accessors) and 4 (GLB file format).
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any, cast

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
COMPONENTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
# Component type: numpy type, and the largest integer where the values may be normalised.
TYPES = {
    5120: ("<i1", 127.0),
    5121: ("<u1", 255.0),
    5122: ("<i2", 32767.0),
    5123: ("<u2", 65535.0),
    5125: ("<u4", 0.0),
    5126: ("<f4", 0.0),
}
# Extensions that change nothing of what is read here: nodes and animations.
HARMLESS_EXTENSIONS = (
    "KHR_draco_mesh_compression",
    "KHR_materials_",
    "KHR_texture_",
    "KHR_lights_",
)


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
        try:
            data = path.read_bytes()
        except OSError as error:
            raise OutputError(f"{path} cannot be read: {error.strerror or error}.") from error
        self.document, self.binary = self._split(data)
        for extension in self._items_of(self.document.get("extensionsRequired", []), str):
            if not extension.startswith(HARMLESS_EXTENSIONS):
                raise self.error(f"needs the extension {extension}, which is not supported")

    def error(self, what: str) -> OutputError:
        """An error that names this file: `what` completes the sentence."""
        return OutputError(f"{self.name} {what}; fetch the job's output again.")

    def items(self, key: str) -> list[Json]:
        """The objects of a top-level list, empty where it is missing."""
        return self._items_of(self.document.get(key, []), dict)

    def list_of(self, entry: Json, key: str) -> list[Json]:
        """The objects of a list inside an object, empty where it is missing."""
        return self._items_of(entry.get(key, []), dict)

    def object_of(self, entry: Json, key: str) -> Json:
        """An object inside an object, empty where it is missing."""
        return self._items_of([entry.get(key, {})], dict)[0]

    def _items_of(self, value: object, kind: type[Any]) -> list[Any]:
        if isinstance(value, list):
            entries = cast("list[Any]", value)
            if all(isinstance(entry, kind) for entry in entries):
                return entries
        raise self.error("is damaged: its description has a list of the wrong shape")

    def _split(self, data: bytes) -> tuple[Json, memoryview]:
        if len(data) < 20 or data[:4] != MAGIC:
            raise self.error("is no GLB file (binary glTF)")
        version, length = struct.unpack_from("<II", data, 4)
        if version != 2:
            raise self.error(f"is glTF version {version}; version 2 is needed")
        if length > len(data):
            raise self.error(f"is cut off: {len(data)} of {length} bytes are there")
        chunks = self._chunks(memoryview(data)[:length])
        if JSON_CHUNK not in chunks:
            raise self.error("is damaged: it has no description (JSON chunk)")
        try:
            document: object = json.loads(bytes(chunks[JSON_CHUNK]))
        except (ValueError, RecursionError) as error:
            raise self.error("is damaged: its description is no JSON") from error
        if not isinstance(document, dict):
            raise self.error("is damaged: its description is no JSON object")
        return cast("Json", document), chunks.get(BINARY_CHUNK, memoryview(b""))

    def _chunks(self, data: memoryview) -> dict[int, memoryview]:
        chunks: dict[int, memoryview] = {}
        offset = 12
        while offset + 8 <= len(data):
            size, kind = struct.unpack_from("<II", data, offset)
            if offset + 8 + size > len(data):
                raise self.error("is damaged: a chunk is longer than the file")
            chunks.setdefault(kind, data[offset + 8 : offset + 8 + size])
            offset += 8 + size
        return chunks

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
        if not isinstance(kind, str) or kind not in COMPONENTS or "sparse" in entry:
            raise self.error(f"is damaged: accessor {index} is of an unknown type, or sparse")
        if not isinstance(component, int) or component not in TYPES:
            raise self.error(f"is damaged: accessor {index} has an unknown component type")
        return entry, self._raw(entry, np.dtype(TYPES[component][0]), COMPONENTS[kind])

    def at(self, key: str, index: object) -> Json:
        """Entry `index` of a top-level list.

        Raises:
            OutputError: there is no such entry.
        """
        entries = self.items(key)
        if not isinstance(index, int) or not 0 <= index < len(entries):
            raise self.error(f"is damaged: it refers to {key}[{index}], which is not there")
        return entries[index]

    def count(self, entry: Json, key: str, default: int = 0) -> int:
        """A whole number ≥ 0 of an object.

        Raises:
            OutputError: it is something else.
        """
        value: object = entry.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.error(f"is damaged: {key} is {value!r}")
        return value

    def _raw(self, entry: Json, dtype: np.dtype[Any], width: int) -> NDArray[Any]:
        """The accessor's bytes as an array (N, width), without a copy."""
        view = self.at("bufferViews", entry.get("bufferView"))
        number = self.count(entry, "count")
        item = dtype.itemsize * width
        stride = self.count(view, "byteStride") or item
        start, inner = self.count(view, "byteOffset"), self.count(entry, "byteOffset")
        used = inner + (number - 1) * stride + item if number else 0
        inside = start + self.count(view, "byteLength") <= len(self.binary)
        if not inside or stride < item or used > self.count(view, "byteLength"):
            raise self.error("is damaged: its data lies outside the file")
        return np.ndarray(
            (number, width),
            dtype,
            buffer=self.binary,
            offset=start + inner if number else 0,
            strides=(stride, dtype.itemsize),
        )
