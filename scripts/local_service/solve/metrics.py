# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures that tell how good a solve is, read off the files it wrote."""
# MuJoCo and pyarrow come without full types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from .chain import Chain
from .limits import Limits
from .options import SolveOptions, SolveResult
from .run import run

Array = NDArray[np.float64]
# A foot stands while its lowest point is this low and this slow (m, m/s).
STANCE_HEIGHT_M = 0.04
STANCE_SPEED_M_S = 0.3


def figures(c3d: Path, markerset: Path, out_dir: Path) -> dict[str, float]:
    """Solve a take and measure it.

    Returns:
        `rms_mm` (distance of markers), `frames_per_s` (inverse kinematics alone),
        `frames_per_s_whole` (reading, scaling, solving and writing), `limit_violation_deg`,
        `largest_joint_step_deg` (between neighbouring frames), and where the take has stances,
        `stance_lowest_mm` and `stance_highest_mm`: the lowest and highest sole over all stances.

    Raises:
        SolveError: For a take or markerset that cannot be solved.
    """
    options = SolveOptions(mocap_scale=None, export_glb=True)
    return measure(run(c3d=c3d, markerset=markerset, out_dir=out_dir, options=options))


def measure(result: SolveResult) -> dict[str, float]:
    """The figures of a finished solve of revision 2; see `figures`."""
    chain = Chain(mujoco.MjModel.from_binary_path(str(result.outputs["model"])))
    poses = read_poses(result.outputs["qpos"])
    whole_s = sum(result.seconds.values())
    return {
        "rms_mm": 1e3 * result.rms_error_m,
        "frames_per_s": result.frames / result.seconds["solve"],
        "frames_per_s_whole": result.frames / whole_s,
        "limit_violation_deg": float(np.degrees(Limits(chain).violation_rad(poses))),
        "largest_joint_step_deg": float(np.degrees(joint_steps(chain, poses).max(initial=0.0))),
        **_stance_figures(chain, poses, result.rate_hz),
    }


def read_poses(qpos: Path) -> Array:
    """(frames, nq) from a `qpos.parquet`."""
    table: Any = pq.read_table(qpos)
    return np.stack([table[name].to_numpy() for name in table.column_names[1:]], axis=1)


def joint_steps(chain: Chain, poses: Array) -> Array:
    """(frames - 1, dofs): change (rad) of every joint, but the root, between frames."""
    root = sum(6 for joint in chain.joints if joint.kind == "free")
    steps = [chain.difference(*pair) for pair in pairwise(poses)]
    return np.abs(np.array(steps).reshape(-1, chain.dof_count))[:, root:]


def sole_positions(chain: Chain, poses: Array) -> Array:
    """(frames, sites, 3): where the sole's points are, in the order of the model's sites."""
    sites = chain.sites()
    positions: list[Array] = []
    for pose in poses:
        chain.pose(pose)
        positions.append(chain.positions(sites.bodies, sites.local_m))
    return np.array(positions)


def stances(heights_m: Array, speeds_m_s: Array) -> NDArray[np.bool_]:
    """Where a point stands: low and slow at once."""
    return (heights_m < STANCE_HEIGHT_M) & (speeds_m_s < STANCE_SPEED_M_S)


def _stance_figures(chain: Chain, poses: Array, rate_hz: float) -> dict[str, float]:
    names = [chain.model.site(index).name for index in range(chain.model.nsite)]
    if not names or len(poses) < 3:
        return {}
    soles = sole_positions(chain, poses)
    lows: list[float] = []
    for side in ("_r", "_l"):
        chosen = [index for index, name in enumerate(names) if name.endswith(side)]
        lows.extend(_stance_lows(soles[:, chosen], rate_hz))
    if not lows:
        return {}
    return {"stance_lowest_mm": 1e3 * min(lows), "stance_highest_mm": 1e3 * max(lows)}


def _stance_lows(soles: Array, rate_hz: float) -> Sequence[float]:
    """The median height of a foot's lowest point in each of its stances."""
    lowest = soles[..., 2].argmin(axis=1)
    speeds = np.linalg.norm(np.gradient(soles, 1 / rate_hz, axis=0), axis=2)
    frames = np.arange(len(soles))
    heights = soles[frames, lowest, 2]
    standing = stances(heights, speeds[frames, lowest])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], standing, [False]]).astype(int)))
    return [
        float(np.median(heights[start:end]))
        for start, end in zip(edges[::2], edges[1::2], strict=True)
        if end - start >= 0.1 * rate_hz
    ]
