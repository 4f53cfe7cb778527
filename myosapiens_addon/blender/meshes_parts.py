# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the meshes of a `motion.glb` as small GLB files that an importer can take one by one.

A part has one node per mesh, side by side, in the axes of the mesh's body; no animation, no
skeleton, and only the values that a mesh is made of, each looked at before: an importer is
written for files that are sound. Source: Khronos glTF 2.0 specification, chapters 3.6 to 3.9.
"""

from __future__ import annotations

import json
import re
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from ..motion.glb_container import BINARY_CHUNK, JSON_CHUNK, MAGIC
from .meshes_source import DRACO
from .meshes_surfaces import Surfaces

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ..motion.glb_container import Container, Json
    from .meshes_source import Hung

# What Blender's importer makes of a rigid mesh, and the types that it may have.
ATTRIBUTES = {
    re.compile("POSITION|NORMAL"): ("VEC3",),
    re.compile("TEXCOORD_[0-7]"): ("VEC2",),
    re.compile("COLOR_[0-7]"): ("VEC3", "VEC4"),
}
FLOAT = 5126
UNSIGNED = (5121, 5123, 5125)
MODES = range(7)


class PartWriter:
    """One part, gathered mesh by mesh.

    Attributes:
        nodes: name of each node in the part → the body that carries it.
        titles: name of each mesh in the part → the first body that carries it.
        surfaces: the materials and images of the part.
        has_draco: whether any mesh is compressed by Draco.
    """

    def __init__(self, container: Container, *, prefix: str) -> None:
        """Begin an empty part.

        Args:
            container: the file that meshes are taken from.
            prefix: what all names in the part begin with, so that they can be found again.
        """
        self._container = container
        self._prefix = prefix
        self._views: list[Json] = []
        self._accessors: list[Json] = []
        self._meshes: list[Json] = []
        self._nodes: list[Json] = []
        self._made: dict[tuple[str, Any], int] = {}
        self._pieces: list[bytes | memoryview] = []
        self._size = 0
        self.nodes: dict[str, str] = {}
        self.titles: dict[str, str] = {}
        self.surfaces = Surfaces(container, prefix=prefix, add_view=self._add_view)
        self.has_draco = False

    def add(self, hung: Hung, *, number: int) -> None:
        """Add a node with its mesh; `number` is its own among all parts.

        Raises:
            OutputError: the mesh is damaged.
        """
        name = f"{self._prefix}-{number}"
        w, x, y, z = hung.rotation.tolist()
        self._nodes.append(
            {
                "name": name,
                "mesh": self._mesh(hung.mesh, hung.body),
                "translation": hung.position.tolist(),
                "rotation": [x, y, z, w],
            }
        )
        self.nodes[name] = hung.body

    def write(self, path: Path) -> None:
        """Write the part as a GLB file.

        Raises:
            OSError: it cannot be written.
        """
        text = json.dumps(self._document()).encode()
        text += b" " * (-len(text) % 4)
        length = 12 + 8 + len(text) + 8 + self._size
        with path.open("wb") as file:
            file.write(MAGIC + struct.pack("<II", 2, length))
            file.write(struct.pack("<II", len(text), JSON_CHUNK) + text)
            file.write(struct.pack("<II", self._size, BINARY_CHUNK))
            for piece in self._pieces:
                file.write(piece)

    def _document(self) -> Json:
        used = sorted({*self.surfaces.extensions, *([DRACO] if self.has_draco else [])})
        lists = {
            "nodes": self._nodes,
            "meshes": self._meshes,
            "accessors": self._accessors,
            "bufferViews": self._views,
            "extensionsUsed": used,
            "extensionsRequired": [DRACO] if self.has_draco else [],
            **self.surfaces.lists(),
        }
        return {
            "asset": {"version": "2.0"},
            "scene": 0,
            "scenes": [{"nodes": list(range(len(self._nodes)))}],
            "buffers": [{"byteLength": self._size}],
            **{key: entries for key, entries in lists.items() if entries},
        }

    def _mesh(self, index: int, title: str) -> int:
        key = ("mesh", index)
        if key not in self._made:
            entry = self._container.at("meshes", index)
            primitives = [
                made
                for primitive in self._container.list_of(entry, "primitives")
                if (made := self._primitive(primitive))
            ]
            if not primitives:
                raise self._container.error(f"is damaged: mesh {index} has no vertices")
            name = f"{self._prefix}-mesh-{index}"
            self.titles[name] = title
            self._meshes.append({"name": name, "primitives": primitives})
            self._made[key] = len(self._meshes) - 1
        return self._made[key]

    def _primitive(self, entry: Json) -> Json | None:
        """A primitive of the part; None for one without vertices."""
        attributes = {
            name: index
            for name, index in self._container.object_of(entry, "attributes").items()
            if any(pattern.fullmatch(name) for pattern in ATTRIBUTES)
        }
        if "POSITION" not in attributes:
            return None
        mode = self._container.count(entry, "mode", default=4)
        if mode not in MODES:
            raise self._container.error(f"is damaged: a mesh is of the unknown mode {mode}")
        made: Json = {"mode": mode}
        if "material" in entry:
            is_coloured = "COLOR_0" in attributes
            made["material"] = self.surfaces.material(entry["material"], is_coloured=is_coloured)
        packed = self._packed(entry, attributes)
        return made | (packed or self._plain(entry, attributes))

    def _plain(self, entry: Json, attributes: dict[str, Any]) -> Json:
        """Attributes and indices that stand in the file as they are."""
        made: Json = {}
        count = self._values(attributes["POSITION"])[1].shape[0]
        made["attributes"] = {
            name: self._attribute(name, index, count) for name, index in attributes.items()
        }
        if "indices" in entry:
            made["indices"] = self._indices(entry["indices"], count)
        return made

    def _packed(self, entry: Json, attributes: dict[str, Any]) -> Json | None:
        """The same of a primitive that Draco compresses; None for one that needs no Draco."""
        container = self._container
        extension = container.object_of(container.object_of(entry, "extensions"), DRACO)
        accessors = [*attributes.values(), entry.get("indices")]
        if not extension or all("bufferView" in self._described(index) for index in accessors):
            return None
        ids = container.object_of(extension, "attributes")
        made: Json = {
            "attributes": {name: self._bare(index) for name, index in attributes.items()},
            "indices": self._bare(entry.get("indices")),
        }
        data = {
            "bufferView": self._copied_view(extension.get("bufferView")),
            "attributes": {name: container.count(ids, name) for name in attributes if name in ids},
        }
        self.has_draco = True
        return made | {"extensions": {DRACO: data}}

    def _described(self, index: object) -> Json:
        return self._container.at("accessors", index) if index is not None else {"bufferView": 0}

    def _bare(self, index: object) -> int:
        """An accessor whose values Draco's decoder will bring."""
        entry = self._container.at("accessors", index)
        kept = {key: entry.get(key) for key in ("type", "componentType", "count", "normalized")}
        return self._new_accessor({key: value for key, value in kept.items() if value is not None})

    def _values(self, index: object) -> tuple[Json, NDArray[Any]]:
        """An accessor and its values.

        Raises:
            OutputError: it is damaged, or has values that are no numbers.
        """
        entry, values = self._container.stored(index)
        if values.dtype.kind == "f" and not np.all(np.isfinite(values)):
            raise self._container.error(
                f"is damaged: accessor {index} holds values that are no numbers"
            )
        return entry, values

    def _attribute(self, name: str, index: object, count: int) -> int:
        entry, values = self._values(index)
        kinds = next(kinds for pattern, kinds in ATTRIBUTES.items() if pattern.fullmatch(name))
        is_plain = len(kinds) > 1 or kinds == ("VEC2",) or entry["componentType"] == FLOAT
        if entry["type"] not in kinds or len(values) != count or not is_plain:
            raise self._container.error(f"is damaged: accessor {index} is no {name} of its mesh")
        return self._copied(index, entry, values)

    def _indices(self, index: object, count: int) -> int:
        entry, values = self._values(index)
        if entry["type"] != "SCALAR" or entry["componentType"] not in UNSIGNED:
            raise self._container.error(f"is damaged: accessor {index} holds no indices")
        if values.size and int(values.max()) >= count:
            raise self._container.error("is damaged: a mesh refers to vertices that are not there")
        return self._copied(index, entry, values)

    def _copied(self, index: object, entry: Json, values: NDArray[Any]) -> int:
        key = ("accessor", index)
        if key not in self._made:
            made: Json = {
                "bufferView": self._add_view(np.ascontiguousarray(values).tobytes()),
                "type": entry["type"],
                "componentType": entry["componentType"],
                "count": len(values),
            }
            if entry.get("normalized"):
                made["normalized"] = True
            self._made[key] = self._new_accessor(made)
        return self._made[key]

    def _new_accessor(self, entry: Json) -> int:
        self._accessors.append(entry)
        return len(self._accessors) - 1

    def _copied_view(self, index: object) -> int:
        data = self._container.view(index)
        key = ("view", index)
        if key not in self._made:
            self._made[key] = self._add_view(data)
        return self._made[key]

    def _add_view(self, data: bytes | memoryview) -> int:
        """A buffer view of its own for some bytes; it begins at a multiple of four."""
        self._views.append({"buffer": 0, "byteOffset": self._size, "byteLength": len(data)})
        padding = bytes(-len(data) % 4)
        self._pieces += [data, padding]
        self._size += len(data) + len(padding)
        return len(self._views) - 1
