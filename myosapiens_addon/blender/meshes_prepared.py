# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the meshes of a `motion.glb` ready for Blender's importer, in a worker if need be.

The importer takes a file as a whole: of a `motion.glb` it would make hundreds of empties and
actions, and it holds Blender's main thread until it is done. So the meshes alone are written to
small files, parts. A mesh is never divided: one of 250,000 vertices takes Blender seconds.
"""

from __future__ import annotations

import shutil
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OutputError
from . import meshes_source
from .meshes_parts import PartWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..motion.motion import Motion
    from .meshes_source import Hung, Marker

# Vertices and corners in one part, some 80 ms of Blender's importer; an object takes as long as
# so many of them.
PART_POINTS = 80_000
OBJECT_POINTS = 1_000


@dataclass(frozen=True, kw_only=True)
class Part:
    """One file for the importer.

    Attributes:
        path: the file.
        nodes: name of each node → the body that carries it.
        titles: for `meshes`, `materials` and `images`: name in the part → what it shall be called.
    """

    path: Path
    nodes: Mapping[str, str]
    titles: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """The meshes of a file, ready to be brought in.

    Attributes:
        source: name of the file that they come from, for messages.
        folder: where the parts are.
        parts: the parts, at least one.
        markers: the markers of the capture.
        needs_draco: whether any mesh is compressed by Draco.
        warnings: sentences about what is left out.
    """

    source: str
    folder: Path
    parts: tuple[Part, ...]
    markers: tuple[Marker, ...]
    needs_draco: bool
    warnings: tuple[str, ...]

    def discard(self) -> None:
        """Delete the parts; nothing can be brought in any more."""
        shutil.rmtree(self.folder, ignore_errors=True)


def prepare(path: Path, motion: Motion, *, folder: Path | None = None) -> Prepared:
    """Write the meshes that hang on the motion's bodies to files for the importer.

    Whoever calls this calls `discard` in the end, unless the meshes are brought in.

    Args:
        path: the `motion.glb`.
        motion: what names the bodies.
        folder: where to make the folder of the parts; None for the system's temporary one.
            Blender's own (`bpy.app.tempdir`) ends with Blender.

    Raises:
        OutputError: the file is damaged or has no meshes, or the parts cannot be written.
    """
    source = meshes_source.read(path, motion.names)
    try:
        own = Path(tempfile.mkdtemp(prefix="myosapiens-meshes-", dir=folder))
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        return _write(source, own)
    except OSError as error:
        shutil.rmtree(own, ignore_errors=True)
        raise _unwritable(path, error) from error
    except BaseException:
        shutil.rmtree(own, ignore_errors=True)
        raise


def _unwritable(path: Path, error: OSError) -> OutputError:
    reason = error.strerror or error
    return OutputError(f"The meshes of {path.name} cannot be written for the importer: {reason}.")


def _write(source: meshes_source.Source, folder: Path) -> Prepared:
    prefix = f"myosapiens-{uuid.uuid4().hex[:12]}"
    parts: list[Part] = []
    warnings: list[str] = []
    number = 0
    needs_draco = False
    for group in _groups(source.hung):
        writer = PartWriter(source.container, prefix=prefix)
        for hung in group:
            writer.add(hung, number=number)
            number += 1
        path = folder / f"part-{len(parts)}.glb"
        writer.write(path)
        parts.append(_part(path, writer))
        needs_draco |= writer.has_draco
        warnings += [entry for entry in writer.surfaces.warnings if entry not in warnings]
    return Prepared(
        source=source.container.name,
        folder=folder,
        parts=tuple(parts),
        markers=source.markers,
        needs_draco=needs_draco,
        warnings=tuple(warnings),
    )


def _part(path: Path, writer: PartWriter) -> Part:
    titles = {
        "meshes": writer.titles,
        "materials": writer.surfaces.titles,
        "images": writer.surfaces.image_titles,
    }
    return Part(path=path, nodes=writer.nodes, titles=titles)


def _groups(hung: tuple[Hung, ...]) -> Iterator[list[Hung]]:
    """The nodes in groups of some size, in order."""
    group: list[Hung] = []
    points = 0
    for entry in hung:
        cost = entry.points + OBJECT_POINTS
        if group and points + cost > PART_POINTS:
            yield group
            group, points = [], 0
        group.append(entry)
        points += cost
    if group:
        yield group
