# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's glTF importer, held so that nothing is left of its work but what was asked for.

The importer selects what it makes, makes it active, leaves modes, and puts it into the active
collection of the scene people are in, in the scene's units. It cannot be given another scene:
an operator under `temp_override(scene=…)` crashes Blender up to 5.0 when a thread runs meanwhile.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import bpy

from ..errors import OutputError
from .compat import current_scene, gltf_import

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

logger = logging.getLogger(__name__)

# An option that this Blender's importer does not know is left out.
OPTIONS: dict[str, Any] = {
    "import_pack_images": True,
    "merge_vertices": False,
    "import_shading": "NORMALS",
    "import_select_created_objects": False,
    "import_scene_as_collection": False,
    "import_scene_extras": False,
    "import_unused_materials": False,
    "import_point_as_pointcloud": False,
}
LOGGERS = ("glTFImporter", "glTFImporter_errors")
Census = dict[str, set[int]]


def run(path: Path, *, source: str) -> list[tuple[str, bpy.types.ID]]:
    """Import a file; what came in is in no collection, and all else is as it was.

    Args:
        path: the file.
        source: what to call it in messages.

    Returns:
        All data-blocks that came in, each with the name of its collection in `bpy.data`.

    Raises:
        OutputError: the importer failed; then nothing has come in.
    """
    before = census()
    try:
        with _undisturbed():
            _call(path)
    except RuntimeError as error:
        logger.warning("Blender's glTF importer on %s: %s", source, error)
        remove([block for _, block in newer_than(before)])
        raise OutputError(
            f"Blender's glTF importer cannot read the meshes of {source}; fetch the job's output "
            "again, or import the take without meshes."
        ) from error
    except BaseException:
        remove([block for _, block in newer_than(before)])
        raise
    came = newer_than(before)
    for kind, block in came:
        if kind == "objects":
            _unlink(block)
    return came


def census() -> Census:
    """The session uids of all data-blocks of the open file, by collection."""
    return {
        kind: {block.session_uid for block in getattr(bpy.data, kind)} for kind in _collections()
    }


def newer_than(before: Census) -> list[tuple[str, bpy.types.ID]]:
    """The data-blocks that were not there before."""
    return [
        (kind, block)
        for kind in _collections()
        for block in getattr(bpy.data, kind)
        if block.session_uid not in before[kind]
    ]


def remove(blocks: list[bpy.types.ID]) -> None:
    """Take data-blocks out of the file."""
    if blocks:
        bpy.data.batch_remove(blocks)


def _collections() -> list[str]:
    """Names of the collections of `bpy.data`, without one of all data-blocks (5.2 has it)."""
    properties: Any = bpy.data.bl_rna.properties
    return [
        entry.identifier
        for entry in properties
        if entry.type == "COLLECTION" and entry.fixed_type.identifier != "ID"
    ]


def _call(path: Path) -> None:
    operator = gltf_import()
    known = operator.get_rna_type().properties
    options = {key: value for key, value in OPTIONS.items() if key in known}
    with _heard() as errors:
        result = operator(filepath=str(path), **options)
    if errors or result != {"FINISHED"}:
        raise RuntimeError(errors[0] if errors else f"ended with {result}")


def _unlink(block: Any) -> None:  # noqa: ANN401 - an object
    for collection in block.users_collection:
        collection.objects.unlink(block)


@contextmanager
def _heard() -> Iterator[list[str]]:
    """What the importer logs as errors, such as meshes that it cannot decode and leaves at zero.

    Nothing of what it logs is written: it tells each thing it does on standard output, where
    reports may be wanted.
    """
    errors: list[str] = []

    def note(record: logging.LogRecord) -> bool:
        if record.levelno >= logging.ERROR:
            errors.append(record.getMessage())
        return False

    loggers = [logging.getLogger(name) for name in LOGGERS]
    for entry in loggers:
        entry.addFilter(note)
    try:
        yield errors
    finally:
        for entry in loggers:
            entry.removeFilter(note)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Nothing selected or active, the scene's own collection, metres; then all as it was.

    With no active object the importer finds itself in object mode and leaves the mode in which
    people are alone.
    """
    layer: Any = bpy.context.view_layer
    units = current_scene().unit_settings
    active, collection, scale = layer.objects.active, layer.active_layer_collection, None
    selected = list(layer.objects.selected)
    if units.scale_length != 1.0:
        scale, units.scale_length = units.scale_length, 1.0
    layer.objects.active = None
    layer.active_layer_collection = layer.layer_collection
    try:
        yield
    finally:
        for entry in list(layer.objects.selected):
            entry.select_set(False, view_layer=layer)
        for entry in selected:
            entry.select_set(True, view_layer=layer)
        layer.objects.active = active
        layer.active_layer_collection = collection
        if scale is not None:
            units.scale_length = scale
