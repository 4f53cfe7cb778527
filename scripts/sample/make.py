# SPDX-License-Identifier: GPL-3.0-or-later
"""The recording: markers of the walking subject as cameras would have seen them, as a C3D file."""
# ezc3d comes without types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import ezc3d
import numpy as np
from numpy.typing import NDArray

from sample import markers, walk
from sample.subject import NAME, Subject, scale_of

Array = NDArray[np.float64]

FOLDER = Path(__file__).resolve().parent
C3D_NAME, MARKERSET_NAME = "walk.c3d", "markerset.xml"

_SEED = 20_260_731
_MISPLACED_M = (0.005, 0.010)  # how far a marker is put from where the set wants it
_NOISE_M = 0.0004  # standard deviation of each coordinate
_GAPS = 14
_GAP_FRAMES = (5, 60)
# Seen by few cameras: behind swinging arms, and low. Markers that gaps fall on.
_HIDDEN_ONES = ("RASI", "LASI", "RFIN", "LFIN", "RTHI", "LTHI", "RELB", "LWRB", "RTOE", "STRN")


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A take as it is written.

    Attributes:
        labels: (39,) label of each marker, with the subject's name.
        points_m: (frames, 39, 3) in the lab, Z up; NaN where a marker is hidden.
        true_points_m: (frames, 39, 3) without noise and gaps.
        poses: (frames, nq) the subject's true coordinates.
    """

    labels: tuple[str, ...]
    points_m: Array
    true_points_m: Array
    poses: Array


def record(subject: Subject) -> Recording:
    """The subject walks through the lab. The same every time."""
    random = np.random.default_rng(_SEED)
    attached = _attach(random)
    poses = walk.make(subject).poses(subject, walk.times_s())
    bodies = [marker.body for marker in markers.MARKERS]
    seen: list[Array] = []
    for pose in poses:
        subject.set_qpos(pose)
        seen.append(subject.points(bodies, attached))
    true_points = np.array(seen)
    points = true_points + random.normal(scale=_NOISE_M, size=true_points.shape)
    _hide(points, random)
    labels = tuple(f"{NAME}:{marker.name}" for marker in markers.MARKERS)
    return Recording(labels=labels, points_m=points, true_points_m=true_points, poses=poses)


def _attach(random: np.random.Generator) -> Array:
    """(39, 3) where the markers really are on her: scaled with her, and a little off."""
    scales = np.array([scale_of(marker.body) for marker in markers.MARKERS])
    directions = random.normal(size=scales.shape)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    distances = random.uniform(*_MISPLACED_M, size=(len(scales), 1))
    return markers.positions_m() * scales + distances * directions


def _hide(points: Array, random: np.random.Generator) -> None:
    """Set gaps to NaN in place."""
    column = {marker.name: index for index, marker in enumerate(markers.MARKERS)}
    for gap in range(_GAPS):
        name = _HIDDEN_ONES[gap % len(_HIDDEN_ONES)]
        length = int(random.integers(*_GAP_FRAMES, endpoint=True))
        start = int(random.integers(0, len(points) - length))
        points[start : start + length, column[name]] = np.nan


def write_c3d(recording: Recording, path: Path) -> None:
    """Write the take: millimetres, 100 Hz, floats, residual −1 where a marker is hidden."""
    file = ezc3d.c3d()
    point = file["parameters"]["POINT"]
    point["RATE"]["value"] = [walk.RATE_HZ]
    point["UNITS"]["value"] = ["mm"]
    point["LABELS"]["value"] = list(recording.labels)
    millimetres = 1000.0 * recording.points_m.transpose(2, 1, 0)
    hidden = np.isnan(millimetres[:1])
    homogeneous = np.concatenate([millimetres, np.ones_like(millimetres[:1])])
    file["data"]["points"] = homogeneous
    file["data"]["meta_points"]["residuals"] = np.where(hidden, -1.0, 0.0)
    file.write(str(path))


def write_all(folder: Path = FOLDER) -> tuple[Path, Path]:
    """Make the take and its markerset; their paths."""
    c3d, markerset = folder / C3D_NAME, folder / MARKERSET_NAME
    write_c3d(record(Subject()), c3d)
    markerset.write_text(markers.to_xml(), encoding="utf-8", newline="\n")
    return c3d, markerset
