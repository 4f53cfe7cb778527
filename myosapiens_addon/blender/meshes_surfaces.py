# SPDX-License-Identifier: GPL-3.0-or-later
"""Materials, textures and images of a `motion.glb`, taken over into a part of it.

Source: Khronos glTF 2.0 specification, chapters 3.8 (textures) and 3.9 (materials).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..motion.glb_container import Container, Json

EXTENSIONS = ("KHR_materials_", "KHR_texture_transform")
SAMPLING = ("magFilter", "minFilter", "wrapS", "wrapT")
INSIDE = "data:"
BASE64 = ";base64,"
# The deepest that a material of the specification goes is five.
DEEPEST = 8


class Surfaces:
    """What the meshes of one part are covered with.

    A name in the part is unique, and the same in all parts of a file.

    Attributes:
        titles: name of each material in the part → what it is called in the file.
        image_titles: likewise of the images.
        extensions: names of the extensions in use.
        warnings: sentences about what is left out.
    """

    def __init__(
        self, container: Container, *, prefix: str, add_view: Callable[[bytes | memoryview], int]
    ) -> None:
        self._container = container
        self._prefix = prefix
        self._add_view = add_view
        self._materials: list[Json] = []
        self._textures: list[Json] = []
        self._images: list[Json] = []
        self._samplers: list[Json] = []
        self._made: dict[tuple[str, object], int] = {}
        self.titles: dict[str, str] = {}
        self.image_titles: dict[str, str] = {}
        self.extensions: set[str] = set()
        self.warnings: list[str] = []

    def lists(self) -> dict[str, list[Json]]:
        """The top-level lists of the part."""
        return {
            "materials": self._materials,
            "textures": self._textures,
            "images": self._images,
            "samplers": self._samplers,
        }

    def material(self, index: object, *, is_coloured: bool) -> int:
        """The part's index of a material; one on coloured vertices is one of its own.

        Blender's importer too makes two of one that is used both ways.

        Raises:
            OutputError: it is not there, or an image of it is damaged.
        """
        entry = self._container.at("materials", index)
        name = f"{self._prefix}-material-{index}{'-coloured' if is_coloured else ''}"
        if name not in self.titles:
            self.titles[name] = _title(entry, default=f"material {index}")
            kept = self._kept(entry, depth=0)
            self._materials.append({**kept, "name": name})
            self._made["material", name] = len(self._materials) - 1
        return self._made["material", name]

    def _kept(self, value: Any, depth: int) -> Any:  # noqa: ANN401 - JSON
        """A part of a material with its textures looked up, and without what is not for us."""
        if depth > DEEPEST:
            raise self._container.error("is damaged: a material is nested too deep")
        if isinstance(value, list):
            return [self._kept(entry, depth + 1) for entry in value]
        if not isinstance(value, dict):
            return value
        kept: Json = {}
        for key, entry in value.items():
            if key.endswith("Texture") and isinstance(entry, dict):
                texture = self._texture(entry.get("index"))
                if texture is not None:
                    kept[key] = {**self._kept(entry, depth + 1), "index": texture}
            elif key == "extensions" and isinstance(entry, dict):
                kept[key] = self._known(entry, depth)
            elif key != "extras":
                kept[key] = self._kept(entry, depth + 1)
        return kept

    def _known(self, extensions: Json, depth: int) -> Json:
        known = {name: entry for name, entry in extensions.items() if name.startswith(EXTENSIONS)}
        self.extensions.update(known)
        return {name: self._kept(entry, depth + 1) for name, entry in known.items()}

    def _texture(self, index: object) -> int | None:
        """The part's index of a texture; None for one whose image is not in the file."""
        entry = self._container.at("textures", index)
        key = ("texture", index)
        if key in self._made:
            return self._made[key]
        image = self._image(entry["source"]) if "source" in entry else None
        if image is None:
            self._warn(f"{self._container.name} lacks the image of a texture; it is left out.")
            return None
        made: Json = {"source": image}
        if "sampler" in entry:
            made["sampler"] = self._sampler(entry["sampler"])
        self._textures.append(made)
        self._made[key] = len(self._textures) - 1
        return self._made[key]

    def _sampler(self, index: object) -> int:
        entry = self._container.at("samplers", index)
        self._samplers.append({key: entry[key] for key in SAMPLING if key in entry})
        return len(self._samplers) - 1

    def _image(self, index: object) -> int | None:
        """The part's index of an image; None for one that the file only points to."""
        entry = self._container.at("images", index)
        name = f"{self._prefix}-image-{index}"
        if name in self.image_titles:
            return self._made["image", name]
        made: Json = {"name": name}
        if "bufferView" in entry:
            made["bufferView"] = self._add_view(self._container.view(entry["bufferView"]))
            made["mimeType"] = str(entry.get("mimeType", "image/png"))
        else:
            # A path would be opened on this machine, or asked of another: it is not followed.
            uri = str(entry.get("uri", ""))
            if not uri.startswith(INSIDE) or BASE64 not in uri:
                return None
            made["uri"] = uri
        self.image_titles[name] = _title(entry, default=f"image {index}")
        self._images.append(made)
        self._made["image", name] = len(self._images) - 1
        return self._made["image", name]

    def _warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)


def _title(entry: Json, *, default: str) -> str:
    """What a thing is called in the file, as far as Blender can take it."""
    name = str(entry.get("name") or default)
    return name.encode(errors="replace").decode()
