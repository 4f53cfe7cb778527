# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service writes, read by the extension's decoder: MuJoCo's own poses are the oracle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from local_service.solve import SolveOptions, run
from myosapiens_addon.motion import glb
from tests.service.harness import ROOT

SAMPLE = ROOT / "scripts" / "sample"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return run(
        c3d=SAMPLE / "walk.c3d",
        markerset=SAMPLE / "markerset.xml",
        out_dir=tmp_path_factory.mktemp("solve"),
        options=SolveOptions(export_glb=True),
    ).outputs


def test_the_glb_has_the_poses_of_xpos(outputs: dict[str, Path]) -> None:
    motion = glb.read(outputs["motion"])
    table = pq.read_table(outputs["xpos"])
    np.testing.assert_allclose(motion.times, table["time"].to_numpy(), atol=1e-6)
    for body, name in enumerate(motion.names):
        wanted = np.stack([table[f"{name}_{axis}"].to_numpy() for axis in "xyz"], -1)
        assert np.linalg.norm(motion.positions[:, body] - wanted, axis=1).max() < 0.01e-3, name


def test_the_character_stands_as_blender_expects(outputs: dict[str, Path]) -> None:
    motion = glb.read(outputs["motion"])
    place = {name: motion.rest_positions[index] for index, name in enumerate(motion.names)}
    assert place["skull"][2] > place["pelvis"][2] > place["femur_r"][2] > place["talus_r"][2] > 0
    assert place["toes_r"][1] < place["talus_r"][1] - 0.05  # it faces −Y
    assert place["femur_r"][0] < -0.05 < 0.05 < place["femur_l"][0]  # its right is at −X
