# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes with all they bring besides poses, landed with a folder for meshes."""

from __future__ import annotations

from pathlib import Path

import bpy
import pytest

from myosapiens_addon.blender import (
    extras,
    landing,
)
from myosapiens_addon.blender.landing_options import LandingOptions
from tests.helpers import solved

# What `output.npz` has; the definition knows a hinge of the kneecap besides.
OF_NPZ = {*solved.HINGES, *solved.SHOULDER_ANGLES}


EVERY_ANGLE = {*OF_NPZ, solved.PATELLA[1]}


@pytest.fixture(name="scratch", autouse=True)
def scratch_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where meshes wait for the importer."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(extras, "scratch", lambda: folder)
    return folder


def land(*files: Path, name: str = "Take", **options: object) -> landing.Landing:
    return landing.land(files, name=name, options=LandingOptions(**options))


def overridden(built: bpy.types.Object, folder: Path) -> bpy.types.Object:
    """The armature as a library override of the one in a file of its own, in a new file."""
    cast = bpy.data.collections.new("Cast")
    cast.objects.link(built)
    library = str(folder / "cast.blend")
    bpy.data.libraries.write(library, {cast})
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        wanted.collections = ["Cast"]
    scene, layer = bpy.context.scene, bpy.context.view_layer
    scene.collection.children.link(wanted.collections[0])
    made = wanted.collections[0].override_hierarchy_create(scene, layer, do_fully_editable=True)
    return made.objects[0]
