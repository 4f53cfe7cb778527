# SPDX-License-Identifier: GPL-3.0-or-later
"""What a solve is asked for, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class SolveOptions:
    """The options of one job.

    Attributes:
        revision: 1 writes `retarget_output`; 2 writes `qpos`, `xpos`, `model` and perhaps `motion`.
        enable_scaling: Fit the segment scales and the movable markers to the subject.
        subject_gender: "male", "female" or None; what stature to expect if it is not given.
        subject_height_m: Stature, None: from the markers.
        subject_weight_kg: Body mass of the written model; None: the reference's.
        export_glb: Write `motion` (revision 2).
        mocap_scale: Units of the take in one metre (1000: mm); None takes the file's own unit.
        rotation: None (the take is Z up), "yup_to_zup" or "ydown_to_zup".
        clip_length: Frames to solve from the start of the take, -1: all.
        chunk_size: Accepted for the interface's sake; the whole take is one chunk here.
        disable_contacts: False holds planted feet where they stand.
        n_frames_scaling: Frames used for the scaling, spread over the take.
        character: "local", or "myoskeleton" where its package is installed.
    """

    revision: int = 2
    enable_scaling: bool = True
    subject_gender: str | None = None
    subject_height_m: float | None = None
    subject_weight_kg: float | None = None
    export_glb: bool = False
    mocap_scale: int | None = None
    rotation: str | None = None
    clip_length: int = -1
    chunk_size: int = -1
    disable_contacts: bool = True
    n_frames_scaling: int = 10
    character: str = "local"


@dataclass(frozen=True, kw_only=True)
class SolveResult:
    """What a solve has done.

    Attributes:
        outputs: Files by output name.
        rms_error_m: Distance between take and solve, root mean square over all points seen.
        marker_rms_m: The same for each marker.
        warnings: Sentences for the job's diagnostics.
        seconds: Time spent, by stage: "read", "scale", "solve", "write".
    """

    outputs: dict[str, Path]
    frames: int
    rate_hz: float
    rms_error_m: float
    marker_rms_m: dict[str, float]
    warnings: list[str]
    mujoco_version: str
    seconds: dict[str, float]
