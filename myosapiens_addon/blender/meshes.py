# SPDX-License-Identifier: GPL-3.0-or-later
"""The character's meshes: taken out of a `motion.glb` and bound to the bones of its armature.

`prepare` is for a worker; `bring_in_steps` runs on the main thread, and Blender's importer holds
that for one part at a time, some 0.1 s each, which nothing can make shorter.

A mesh is a child of its bone, and no armature modifier moves it. A body is rigid: its mesh needs
one matrix per frame, where a modifier works out every vertex anew (a frame of 108 meshes with
40,000 vertices takes 1 ms against 3 to 10); the mesh can be moved, replaced and exported as an
object of its own; and no vertex groups have to be kept in step with bones.

A mesh keeps its place and size in its body's axes. On the armature of a subject with other
lengths the bones of the body stand at that subject's joints, but are no longer or shorter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import bpy
from mathutils import Matrix, Quaternion

from ..errors import MyoSapiensError, OutputError, RigError
from . import meshes_import, meshes_source
from .armature import BODY_REST
from .compat import UNFINISHED, can_decode_draco, has_gltf_import
from .meshes_prepared import Prepared, prepare
from .references import Reference

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from pathlib import Path

    from .meshes_prepared import Part
    from .meshes_source import Marker

__all__ = ["Brought", "Prepared", "bring", "bring_in_steps", "prepare", "remove", "why_not"]

# The importer turns every mesh from glTF's Y up to Blender's Z up; this turns it back.
Y_UP = Quaternion((0.5**0.5, -(0.5**0.5), 0.0, 0.0)).to_matrix().to_4x4()
MARKER_SIZE_M = 0.02
NO_IMPORTER = (
    'Blender\'s glTF importer is switched off: enable the add-on "glTF 2.0 format" in the '
    "preferences, or import the take without meshes."
)
NO_DRACO = (
    "The meshes of {source} are compressed by Draco, which this Blender cannot decode: use one "
    "that brings Draco, or import the take without meshes."
)
# What came in is taken out in this order: users before what they use.
KINDS = ("objects", "collections", "meshes", "materials", "images", "textures", "node_groups")


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What was made of a file's meshes.

    Attributes:
        collection: name of the collection that holds them.
        objects: names of the mesh objects.
        empties: names of the markers' empties.
        warnings: sentences for the user.
        blocks: all that came in, by the name of the collection in `bpy.data`.
    """

    collection: str
    objects: tuple[str, ...]
    empties: tuple[str, ...]
    warnings: list[str]
    blocks: tuple[tuple[str, Reference], ...]

    @property
    def count(self) -> int:
        """Number of mesh objects."""
        return len(self.objects)


@dataclass(kw_only=True)
class _Gathered:
    """What is there between two steps; nothing but session uids."""

    blocks: list[tuple[str, Reference]] = field(default_factory=list)
    objects: list[tuple[Reference, str]] = field(default_factory=list)
    shared: dict[str, Reference] = field(default_factory=dict)


def why_not(path: Path) -> str:
    """A sentence why a file cannot give meshes to this Blender; empty when it may well do so.

    Only the file's description is read.
    """
    try:
        document = meshes_source.glance(path)
    except MyoSapiensError as error:
        return error.sentence
    if not document.get("meshes"):
        return meshes_source.NO_MESHES.format(source=path.name)
    if not has_gltf_import():
        return NO_IMPORTER
    required: object = document.get("extensionsRequired")
    needs_draco = isinstance(required, list) and meshes_source.DRACO in required
    return NO_DRACO.format(source=path.name) if needs_draco and not can_decode_draco() else ""


def bring(
    prepared: Prepared,
    armature_object: bpy.types.Object,
    *,
    scene: bpy.types.Scene,
    name: str,
    empties: bool = False,
) -> Brought:
    """As `bring_in_steps`, but blocking until it is done."""
    steps = bring_in_steps(prepared, armature_object, scene=scene, name=name, empties=empties)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def bring_in_steps(
    prepared: Prepared,
    armature_object: bpy.types.Object,
    *,
    scene: bpy.types.Scene,
    name: str,
    empties: bool = False,
) -> Generator[int, None, Brought]:
    """Bring prepared meshes in, one part per step, and bind each to the bone of its body.

    Nothing is held over a step but session uids, and nothing is to be seen before the last one.
    Left before that, the generator leaves nothing behind. The parts are deleted in any case.
    No undo step is made.

    Args:
        prepared: the meshes.
        armature_object: a character's own armature.
        scene: where the collection goes when the armature is in none of its collections.
        name: the take's name; the collection is called after it.
        empties: whether the markers of the capture become empties.

    Yields:
        How many parts are in.

    Raises:
        RigError: the armature is no character's own, or it or a mesh is gone.
        OutputError: Blender has no importer, no Draco, or the importer fails.
    """
    gathered = _Gathered()
    target, place = Reference.to(armature_object), Reference.to(scene)
    finished = False
    try:
        _check(prepared, armature_object)
        for number, part in enumerate(prepared.parts, start=1):
            _bring_part(part, prepared.source, gathered)
            yield number
        markers = prepared.markers if empties else ()
        brought = _finish(gathered, target, place, name, markers)
        brought.warnings[:0] = prepared.warnings
        finished = True
        return brought
    finally:
        prepared.discard()
        if not finished:
            _remove(gathered.blocks)


def remove(brought: Brought) -> None:
    """Take all that was brought in out of the file again, as far as nothing else uses it."""
    _remove(brought.blocks)


def _check(prepared: Prepared, armature_object: bpy.types.Object) -> None:
    if not has_gltf_import():
        raise OutputError(NO_IMPORTER)
    if prepared.needs_draco and not can_decode_draco():
        raise OutputError(NO_DRACO.format(source=prepared.source))
    if not rests(armature_object):
        raise RigError(
            f"The armature {armature_object.name!r} is no character's own: its bones are no "
            "bodies; import the take without meshes, or onto a new armature."
        )


def _found(reference: Reference, kind: str) -> Any:  # noqa: ANN401 - a data-block of that kind
    found = reference.find_in(getattr(bpy.data, kind))
    if found is None:
        raise RigError(
            f"{reference.name!r} was removed while meshes were being brought in; import the take "
            "again."
        )
    return found


def _bring_part(part: Part, source: str, gathered: _Gathered) -> None:
    came = meshes_import.run(part.path, source=source)
    gathered.blocks += [(kind, Reference.to(block)) for kind, block in came]
    made: dict[str, Any] = {block.name: block for kind, block in came if kind == "objects"}
    for node, body in part.nodes.items():
        mesh_object = made.get(node)
        if mesh_object is None or mesh_object.type != "MESH" or not mesh_object.data.vertices:
            raise OutputError(f"{source} is damaged: a mesh of {body} came out empty.")
        mesh_object[UNFINISHED] = True
        gathered.objects.append((Reference.to(mesh_object), body))
    for kind, titles in part.titles.items():
        _share(getattr(bpy.data, kind), titles, gathered)


def _share(blocks: Any, titles: Any, gathered: _Gathered) -> None:  # noqa: ANN401 - of bpy.data
    """Give what came in its own name, or put what an earlier part brought in its place."""
    for name, title in titles.items():
        block = blocks.get(name)
        if block is None:
            continue
        first = gathered.shared.get(name)
        known = first.find_in(blocks) if first is not None else None
        if known is None:
            block.name = title
            gathered.shared[name] = Reference.to(block)
        else:
            block.user_remap(known)
            blocks.remove(block)


def _finish(
    gathered: _Gathered,
    target: Reference,
    place: Reference,
    name: str,
    markers: Iterable[Marker],
) -> Brought:
    """Bind the meshes, name them, show them."""
    armature_object, scene = _found(target, "objects"), _found(place, "scenes")
    by_uid = {entry.session_uid: entry for entry in bpy.data.objects}
    held = rests(armature_object)
    found: list[tuple[Any, str]] = [
        (by_uid.get(reference.uid), body) for reference, body in gathered.objects
    ]
    if any(entry is None for entry, _ in found):
        raise RigError(
            "Meshes were removed while they were being brought in; import the take again."
        )
    collection = bpy.data.collections.new(f"{name} meshes")
    gathered.blocks.append(("collections", Reference.to(collection)))
    warnings = _drop_strangers(found, held, armature_object)
    bound = [(entry, body) for entry, body in found if body in held]
    for mesh_object, body in bound:
        _bind(mesh_object, armature_object, body, held[body])
        collection.objects.link(mesh_object)
        del mesh_object[UNFINISHED]
    made = [_empty(marker) for marker in markers]
    for empty in made:
        gathered.blocks.append(("objects", Reference.to(empty)))
        collection.objects.link(empty)
    _home(armature_object, scene).children.link(collection)
    return Brought(
        collection=collection.name,
        objects=tuple(entry.name for entry, _ in bound),
        empties=tuple(entry.name for entry in made),
        warnings=warnings,
        blocks=tuple(gathered.blocks),
    )


def _drop_strangers(
    found: list[tuple[Any, str]], held: dict[str, Matrix], armature_object: bpy.types.Object
) -> list[str]:
    """Remove the meshes of bodies that the armature does not have; says so."""
    strangers = sorted({body for _, body in found if body not in held})
    meshes_import.remove([entry for entry, body in found if body not in held])
    if not strangers:
        return []
    named = ", ".join(strangers[:3]) + (" …" if len(strangers) > 3 else "")
    rig = armature_object.name
    return [f"The armature {rig!r} has no bones for {named}; their meshes are left out."]


def rests(armature_object: bpy.types.Object) -> dict[str, Matrix]:
    """For each bone that is a body: what takes the body's axes to those of the bone's children.

    Children of a bone hang on its tail, in the bone's axes; a mesh is in its body's axes, with
    the origin in the bone's head, and turned by the importer.
    """
    armature: Any = armature_object.data
    found: dict[str, Matrix] = {}
    for bone in armature.bones if armature_object.type == "ARMATURE" else ():
        values = list(bone.get(BODY_REST, ()))
        if len(values) == 4:
            body = Matrix.Translation(bone.head_local) @ Quaternion(values).to_matrix().to_4x4()
            tail = Matrix.Translation((0.0, -bone.length, 0.0))
            found[bone.name] = tail @ bone.matrix_local.inverted() @ body @ Y_UP
    return found


def _bind(
    mesh_object: Any,  # noqa: ANN401 - the stubs take a parent's kind for a number
    armature_object: bpy.types.Object,
    body: str,
    rest: Matrix,
) -> None:
    mesh_object.name = body
    mesh_object.parent = armature_object
    mesh_object.parent_type = "BONE"
    mesh_object.parent_bone = body
    mesh_object.matrix_parent_inverse = rest


def _empty(marker: Marker) -> bpy.types.Object:
    empty: Any = bpy.data.objects.new(marker.name, None)
    empty.empty_display_size = MARKER_SIZE_M
    empty.location = marker.position
    empty.rotation_mode = "QUATERNION"
    empty.rotation_quaternion = marker.rotation
    return empty


def _home(armature_object: bpy.types.Object, scene: bpy.types.Scene) -> bpy.types.Collection:
    """The collection of the scene in which the armature is; the scene's own if it is in none.

    Nothing can be put into a linked collection, nor into a library override of one.
    """
    inside = {scene.collection, *scene.collection.children_recursive}
    for collection in armature_object.users_collection:
        is_own = collection.library is None and collection.override_library is None
        if collection in inside and is_own:
            return collection
    return scene.collection


def _remove(blocks: Iterable[tuple[str, Reference]]) -> None:
    """Take out what is still there; what something else uses stays."""
    by_kind: dict[str, set[int]] = {}
    for kind, reference in blocks:
        by_kind.setdefault(kind, set()).add(reference.uid)
    for kind in sorted(by_kind, key=_order):
        meshes_import.remove(list(_unused(kind, by_kind[kind])))


def _order(kind: str) -> int:
    return KINDS.index(kind) if kind in KINDS else len(KINDS)


def _unused(kind: str, uids: set[int]) -> Iterator[bpy.types.ID]:
    for block in getattr(bpy.data, kind):
        is_ours = block.session_uid in uids
        if is_ours and (kind in ("objects", "collections") or block.users == 0):
            yield block
