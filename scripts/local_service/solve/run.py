# SPDX-License-Identifier: GPL-3.0-or-later
"""One job: a take and a markerset in, output files out."""
# MuJoCo comes without full types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from . import markerset as markersets
from . import take as takes
from .chain import Chain, Points
from .character import spec_factory
from .errors import SolveError
from .glb import write_glb
from .limits import Limits
from .matching import Targets, match
from .motion import Solved, perform, scaled_model
from .options import SolveOptions, SolveResult
from .outputs import write_model, write_npz, write_qpos, write_xpos
from .scale_priors import expected
from .scaling import Scaling, fit
from .sequence import hold_feet, marker_errors, solve_frames
from .toes import bend
from .tracker import Tracker

logger = logging.getLogger(__name__)
Array = NDArray[np.float64]
# The take's floor is at 0 when some marker comes this near to it (m), and none far below.
FLOOR_BAND_M = (-0.05, 0.15)
MAX_SCALING_FRAMES = 60
MISFIT_M = 0.15
UPRIGHT = 0.3  # cosine between the pelvis' Y and the world's Z


def run(*, c3d: Path, markerset: Path, out_dir: Path, options: SolveOptions) -> SolveResult:
    """Solve a take.

    Args:
        c3d: The take (C3D or TRC).
        markerset: The markerset (XML).
        out_dir: Where the outputs go; made if missing.
        options: See `SolveOptions`.

    Raises:
        SolveError: For inputs or options that cannot be solved.
    """
    seconds: dict[str, float] = {}
    _check(options)
    with _timed(seconds, "read"):
        make_spec = spec_factory(options.character)
        chain = Chain(make_spec().compile())
        targets = _read(c3d, markerset, options, chain)
        tracker = _tracker(chain, targets)
    with _timed(seconds, "scale"):
        scaling = _scale(tracker, targets, options)
    with _timed(seconds, "solve"):
        poses, errors = _solve(tracker, targets, scaling, options)
    with _timed(seconds, "write"):
        scales = dict(zip(chain.body_names, scaling.scales, strict=True))
        model = scaled_model(make_spec(), scales, mass_kg=options.subject_weight_kg)
        solved = perform(model, poses, targets.rate_hz)
        outputs = _write(solved, out_dir, options)
    return _result(outputs, targets, errors, seconds, [*_lying(solved)])


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Generator[None, None, None]:
    start = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - start


def _check(options: SolveOptions) -> None:
    if options.revision not in (1, 2):
        raise SolveError("option_invalid", f"There is no revision {options.revision} of the API.")
    height, weight = options.subject_height_m, options.subject_weight_kg
    if height is not None and not 0.5 <= height <= 2.7:
        raise SolveError(
            "option_invalid", f"A subject height of {height} m is not possible; give metres."
        )
    if weight is not None and not 3 <= weight <= 500:
        raise SolveError("option_invalid", f"A subject weight of {weight} kg is not possible.")
    if options.subject_gender not in (None, "male", "female"):
        raise SolveError("option_invalid", "The option subject_gender must be male or female.")
    if options.n_frames_scaling < 1:
        raise SolveError("option_invalid", "The option n_frames_scaling must be at least 1.")


def _read(c3d: Path, markerset: Path, options: SolveOptions, chain: Chain) -> Targets:
    markers = markersets.read(markerset)
    markersets.check_bodies(markers, chain.body_names)
    take = takes.read(
        c3d,
        mocap_scale=options.mocap_scale,
        rotation=options.rotation,
        clip_length=options.clip_length,
    )
    return match(take, markers)


def _tracker(chain: Chain, targets: Targets) -> Tracker:
    ids = {name: index for index, name in enumerate(chain.body_names)}
    points = Points(
        bodies=np.array([ids[marker.body] for marker in targets.markers], dtype=np.intp),
        local_m=np.array([marker.position_m for marker in targets.markers]),
    )
    # The toes' tips are left to `toes`: a steep toe on the floor could as well roll under.
    soles = chain.sites("heel") + chain.sites("ball")
    tracker = Tracker(chain, Limits(chain), markers=points, soles=soles, rate_hz=targets.rate_hz)
    heights = targets.points_m[..., 2][targets.seen]
    lowest = float(np.percentile(heights, 1))
    tracker.floor = soles.bodies.size > 0 and FLOOR_BAND_M[0] < lowest < FLOOR_BAND_M[1]
    return tracker


def _scale(tracker: Tracker, targets: Targets, options: SolveOptions) -> Scaling:
    movable = [i for i, marker in enumerate(targets.markers) if marker.movable]
    priors = expected(
        height_m=options.subject_height_m,
        gender=options.subject_gender,
        movable=np.array(movable, dtype=np.intp),
    )
    return fit(
        tracker,
        targets.points_m,
        targets.weights,
        priors=priors,
        count=min(options.n_frames_scaling, MAX_SCALING_FRAMES),
        sizes=options.enable_scaling,
    )


def _solve(
    tracker: Tracker, targets: Targets, scaling: Scaling, options: SolveOptions
) -> tuple[Array, Array]:
    poses = solve_frames(tracker, targets, start=(scaling.frame, scaling.pose))
    if tracker.floor and not options.disable_contacts:
        poses = hold_feet(tracker, targets, poses)
    marked = frozenset(marker.body for marker in targets.markers if marker.weight > 0)
    if tracker.floor:
        bend(tracker.chain, poses, scales=scaling.scales, marked=marked, rate_hz=targets.rate_hz)
    return poses, marker_errors(tracker, targets, poses)


def _write(solved: Solved, out_dir: Path, options: SolveOptions) -> dict[str, Path]:
    out_dir.mkdir(parents=True, exist_ok=True)
    if options.revision == 1:
        path = out_dir / "output.npz"
        metadata: dict[str, str | float] = {
            "character": options.character,
            "rate_hz": solved.rate_hz,
            "units": "rad",
        }
        write_npz(solved, path, metadata=metadata)
        return {"retarget_output": path}
    outputs = {
        "qpos": out_dir / "qpos.parquet",
        "xpos": out_dir / "xpos.parquet",
        "model": out_dir / "model.mjb",
    }
    write_qpos(solved, outputs["qpos"])
    write_xpos(solved, outputs["xpos"])
    write_model(solved, outputs["model"])
    if options.export_glb:
        outputs["motion"] = out_dir / "motion.glb"
        write_glb(solved, outputs["motion"])
    return outputs


def _refuse_misfit(rms_m: float) -> None:
    if rms_m > MISFIT_M:
        raise SolveError(
            "solve_failed",
            f"No pose of the character fits the markers (they are off by {rms_m:.2f} m RMS); check "
            "that markerset, unit (mocap_scale) and up axis (rotation) belong to this take.",
        )


def _lying(solved: Solved) -> Iterator[str]:
    """A warning when the pelvis is not upright: more often an axis is wrong than a subject lies."""
    pelvis = solved.quaternions[:, solved.body_names.index("pelvis")]
    w, x, y, z = np.median(pelvis, axis=0)
    if 2 * (y * z + w * x) < UPRIGHT * float(np.sum(np.square([w, x, y, z]))):
        yield (
            "The subject lies or stands on the head most of the time, or the take is not Z up: "
            "then set its rotation."
        )


def _result(
    outputs: dict[str, Path],
    targets: Targets,
    errors: Array,
    seconds: dict[str, float],
    found: list[str],
) -> SolveResult:
    by_marker = {
        marker.name: float(np.sqrt(np.nanmean(errors[:, index] ** 2)))
        for index, marker in enumerate(targets.markers)
    }
    used = [index for index, marker in enumerate(targets.markers) if marker.weight > 0]
    rms_m = float(np.sqrt(np.nanmean(errors[:, used] ** 2)))
    _refuse_misfit(rms_m)
    lines = [f"Marker {name}: error {1e3 * rms:.1f} mm RMS." for name, rms in by_marker.items()]
    version: Any = mujoco.__version__
    return SolveResult(
        outputs=outputs,
        frames=len(errors),
        rate_hz=targets.rate_hz,
        rms_error_m=rms_m,
        marker_rms_m=by_marker,
        warnings=[*targets.warnings, *found, *lines],
        mujoco_version=str(version),
        seconds=seconds,
    )
