# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the points of a C3D take into metres, Z up."""
# ezc3d comes without types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ezc3d
import numpy as np
from numpy.typing import NDArray

from .c3d_header import BLOCK, frame_counts, is_c3d
from .errors import SolveError
from .trc import is_trc, read_trc

ERROR_TYPE = "take_invalid"
_TRUNCATED = "The take {} is a truncated C3D file; export it again."
METRES_PER_UNIT = {"mm": 1e-3, "cm": 1e-2, "dm": 1e-1, "m": 1.0, "in": 0.0254, "ft": 0.3048}
# Rows give the new axes from the old ones.
ROTATIONS: dict[str, NDArray[np.float64]] = {
    "yup_to_zup": np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]),
    "ydown_to_zup": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
}
# From a crouch to a tall man with his arms up; beyond this the units are wrong.
SPAN_M = (0.2, 5.0)


@dataclass(frozen=True, kw_only=True)
class Take:
    """Points of a take.

    Attributes:
        labels: One per point.
        points_m: (frames, points, 3), Z up, NaN where a point was not seen.
    """

    labels: tuple[str, ...]
    points_m: NDArray[np.float64]
    rate_hz: float


def read(
    path: Path, *, mocap_scale: int | None, rotation: str | None, clip_length: int = -1
) -> Take:
    """Read a take (C3D or TRC).

    Args:
        path: The file.
        mocap_scale: Units of the file in one metre; None: the file's own unit.
        rotation: None, "yup_to_zup" or "ydown_to_zup".
        clip_length: Frames to keep from the start, -1: all.

    Raises:
        SolveError: `take_invalid`, for a file that is no C3D, cut off, empty or of a wrong unit.
    """
    # By content: a service stores uploads under names of its own.
    labels, points, rate_hz, unit = read_trc(path) if is_trc(path) else _read_c3d(path)
    if rotation not in (None, "none", *ROTATIONS):
        raise SolveError("option_invalid", f"Unknown rotation '{rotation}'.")
    if clip_length == 0 or clip_length < -1:
        raise SolveError(
            "option_invalid", "The option clip_length must be -1 (all frames) or at least 1."
        )
    points = points[:clip_length] if clip_length > 0 else points
    points = points * _metres_per_unit(unit, mocap_scale)
    if rotation in ROTATIONS:
        points = points @ ROTATIONS[rotation].T
    _check_span(points, path)
    return Take(labels=labels, points_m=points, rate_hz=rate_hz)


def _read_c3d(path: Path) -> tuple[tuple[str, ...], NDArray[np.float64], float, str]:
    _check_magic(path)
    try:
        file = ezc3d.c3d(str(path))
    except (OSError, ValueError, RuntimeError, IndexError, MemoryError) as error:
        raise SolveError(
            ERROR_TYPE, f"The take {path.name} is a damaged or truncated C3D file; export it again."
        ) from error
    group = file["parameters"].get("POINT", {})
    points = np.moveaxis(np.asarray(file["data"]["points"], dtype=np.float64)[:3], 0, -1)
    points = np.ascontiguousarray(points.swapaxes(0, 1))
    residuals = np.asarray(file["data"]["meta_points"]["residuals"])[0].T
    _check_size(points, path, file)
    rate_hz = _value(group, "RATE", 0.0)
    if not rate_hz > 0:
        raise SolveError(ERROR_TYPE, f"The take {path.name} states no frame rate (POINT:RATE).")
    hidden = (residuals < 0) | (points == 0).all(axis=2) | ~np.isfinite(points).all(axis=2)
    points[hidden] = np.nan
    return (
        _labels(group, points.shape[1]),
        points,
        float(rate_hz),
        str(_value(group, "UNITS", "mm")),
    )


def _check_magic(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(BLOCK)
    except OSError as error:
        raise SolveError(
            ERROR_TYPE, f"The take {path.name} cannot be read: {error.strerror}."
        ) from error
    if not is_c3d(head):
        raise SolveError(ERROR_TYPE, f"The take {path.name} is not a C3D file.")
    if len(head) < BLOCK:
        raise SolveError(ERROR_TYPE, _TRUNCATED.format(path.name))


def _check_size(points: NDArray[np.float64], path: Path, file: Any) -> None:  # noqa: ANN401
    frames, count, _ = points.shape
    counts = frame_counts(path)
    stated = max(_stated_frames(file), counts.stated if counts else 0)
    if frames < stated or (counts and counts.room < frames):
        raise SolveError(ERROR_TYPE, _TRUNCATED.format(path.name))
    if count == 0:
        raise SolveError(ERROR_TYPE, f"The take {path.name} holds no points, only other data.")
    if frames == 0:
        raise SolveError(ERROR_TYPE, f"The take {path.name} holds no frames.")
    if counts and counts.full and counts.room > frames + BLOCK:  # the last block is padded
        raise SolveError(
            ERROR_TYPE,
            f"The take {path.name} holds about {counts.room} frames, its header counts {frames}; "
            "export it in parts of at most 65,535 frames.",
        )


def _stated_frames(file: Any) -> int:  # noqa: ANN401
    """Frames by TRIAL:ACTUAL_*_FIELD, each two 16-bit words; 0 where it is missing."""
    trial = file["parameters"].get("TRIAL", {})
    fields = [
        np.asarray(trial.get(name, {}).get("value", []), dtype=np.int64).ravel() & 0xFFFF
        for name in ("ACTUAL_START_FIELD", "ACTUAL_END_FIELD")
    ]
    if any(field.size < 2 for field in fields):
        return 0
    start, end = (int(field[0]) + int(field[1]) * 0x10000 for field in fields)
    return max(0, end - start + 1)


def _labels(group: Any, count: int) -> tuple[str, ...]:  # noqa: ANN401
    """POINT:LABELS, LABELS2 and so on, one after the other; points without a label get none."""
    labels: list[str] = []
    for suffix in ("", *map(str, range(2, 2 + count // 255 + 1))):
        labels += [
            str(label).strip() for label in group.get(f"LABELS{suffix}", {}).get("value", [])
        ]
    return tuple((labels + [""] * count)[:count])


def _value(group: Any, name: str, default: Any) -> Any:  # noqa: ANN401
    value = np.asarray(group.get(name, {}).get("value", [])).ravel()
    return value[0] if value.size else default


def _metres_per_unit(unit: str, mocap_scale: int | None) -> float:
    if mocap_scale is not None:
        if mocap_scale <= 0:
            raise SolveError(
                "option_invalid", "The option mocap_scale must be above 0 (1000: millimetres)."
            )
        return 1.0 / mocap_scale
    factor = METRES_PER_UNIT.get(unit.strip().lower())
    if factor is None:
        raise SolveError(ERROR_TYPE, f"The take's unit '{unit}' is not known; give mocap_scale.")
    return factor


def _check_span(points: NDArray[np.float64], path: Path) -> None:
    seen = np.isfinite(points[:, :, 0])
    full = points[seen.sum(axis=1) >= max(3, int(seen.sum(axis=1).max() * 0.5))]
    if not full.size:
        return  # too few points to tell; the matching says so
    span_m = float(np.median(np.linalg.norm(np.nanstd(full, axis=1), axis=1))) * 3
    if not SPAN_M[0] <= span_m <= SPAN_M[1]:
        raise SolveError(
            ERROR_TYPE,
            f"The markers of {path.name} span about {span_m:.3g} m, which is no person; "
            "check the unit (mocap_scale).",
        )
