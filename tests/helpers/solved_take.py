# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample take as the local service solves it, and MuJoCo's own poses of it.

Run as a program it does this for a Python without MuJoCo: with a folder it leaves all of it
there; with a definition, a `qpos.parquet` and a file it writes MuJoCo's poses to that file.
"""
# MuJoCo and pyarrow are compiled modules without types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

import mujoco
import numpy as np
import pyarrow.parquet as pq

from local_service.solve import SolveOptions, run
from local_service.solve.skeleton import load_spec
from tests.helpers import mjcf_oracle
from tests.helpers.exact_truth import Truth

SAMPLE = Path(__file__).resolve().parents[2] / "scripts" / "sample"
FILES = ("motion.glb", "qpos.parquet", "xpos.parquet", "model.mjb", "output.npz")
DEFINITION, TRUTH = "model.xml", "truth.npz"


def solve(folder: Path) -> None:
    """Write the outputs of both revisions, the scaled model as MJCF, and the truth."""
    for options in (SolveOptions(export_glb=True), SolveOptions(revision=1)):
        run(
            c3d=SAMPLE / "walk.c3d",
            markerset=SAMPLE / "markerset.xml",
            out_dir=folder,
            options=options,
        )
    model = mujoco.MjModel.from_binary_path(str(folder / "model.mjb"))
    (folder / DEFINITION).write_text(definition(model), encoding="utf-8")
    truth_of(model, folder / "qpos.parquet").save(folder / TRUTH)


def definition(model: mujoco.MjModel) -> str:
    """The solver's skeleton with the lengths of a scaled model: MJCF, with all digits.

    MuJoCo itself writes six, with which a foot is some thousandths of a mm off.
    """
    tree = ElementTree.fromstring(as_mujoco_writes_it(model))
    for element in tree.iter("body"):
        element.set("pos", _exact(model.body(element.get("name")).pos))
        for joint in element.findall("joint"):
            joint.set("axis", _exact(model.joint(joint.get("name")).axis))
    return ElementTree.tostring(tree, encoding="unicode")


def as_mujoco_writes_it(model: mujoco.MjModel) -> str:
    """The same, by MuJoCo's own writer alone."""
    spec = load_spec()
    for body in spec.bodies[1:]:  # the first is the world
        body.pos = model.body(body.name).pos
        for joint in body.joints:
            joint.pos = model.joint(joint.name).pos
    spec.compile()
    return spec.to_xml()


def _exact(values: np.ndarray) -> str:
    return " ".join(repr(float(value)) for value in values)


def coordinates(path: Path) -> np.ndarray:
    """(F, N) columns of a `qpos.parquet`, which are in model order."""
    table = pq.read_table(path)
    return np.stack([table[name].to_numpy() for name in table.column_names[1:]], axis=1)


def truth_of(model: mujoco.MjModel, qpos: Path) -> Truth:
    """MuJoCo's poses of a model in the coordinates of a `qpos.parquet`."""
    positions, rotations = mjcf_oracle.poses(model, coordinates(qpos))
    names = tuple(model.body(body).name for body in range(1, model.nbody))
    return Truth(names=names, positions=positions, rotations=rotations)


def truth_by_definition(path: Path, qpos: Path) -> Truth:
    """MuJoCo's poses of the model that a file of MJCF defines."""
    return truth_of(mujoco.MjModel.from_xml_path(str(path)), qpos)


if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[1:]]
    if len(given) == 1:
        solve(given[0])
    else:
        truth_by_definition(given[0], given[1]).save(given[2])
