# SPDX-License-Identifier: GPL-3.0-or-later
"""Fits the published curves to one person's legs such that her feet stay where they are put.

Averages over many people never close on one skeleton: driven by them alone the planted foot slips
and sinks. So the curves of the right leg and of the pelvis are moved, as little as possible, until
heel, ball and toes rest on the floor while they carry (least squares, Gauss-Newton). The left leg
does the same half a cycle later. All curves are Fourier series, so the gait has no seams.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sample import gait
from sample.gait import Harmonics
from sample.subject import SOLE_POINTS, Subject

Array = NDArray[np.float64]

ROOT = ("forward", "sideways", "height", "yaw", "obliquity", "tilt")  # m and degrees
LEG = tuple(gait.KEYS)
VARIABLES = (*ROOT, *LEG)

# When each point of the sole carries, in percent of the cycle: heel strike at 0, foot flat at 11,
# heel off at 33, opposite heel strike at 50, toe-off at 62 (Perry and Burnfield).
CONTACTS: Mapping[str, tuple[float, float]] = {
    "heel": (0.5, 33.0),
    "ball_medial": (11.0, 54.0),
    "ball_lateral": (10.0, 37.0),
    "toe_tip": (12.0, 61.0),
}
_SWING = (66.0, 93.0)
_CLEARANCE_M = 0.012  # least height of the toes in swing (Winter: 1.3 cm)

_SAMPLES = 120
_LEG_HARMONICS, _ROOT_HARMONICS = 14, 6

# What one unit of cost stands for.
# Strictness of the contacts grows from step to step: all at once, the first step would go astray.
_CONTACT_SIGMAS_M = np.concatenate([np.geomspace(0.05, 0.0004, 16), np.full(8, 0.0004)])
_SIGMA_WIDTH_M = 0.01
_SIGMA_DEG: Mapping[str, float] = {
    "yaw": 1.0, "obliquity": 1.0, "tilt": 1.0,
    "hip_flexion": 3.0, "hip_adduction": 2.0, "hip_rotation": 2.0, "knee_flexion": 3.0,
    "ankle_dorsiflexion": 1.5, "subtalar_inversion": 3.0, "toe_extension": 3.0,
}  # fmt: skip
_SIGMA_ROOT_M = {"forward": 0.02, "sideways": 0.02, "height": 0.006}
_RIPPLE = 0.02  # holds the high orders down


@dataclass(frozen=True, kw_only=True)
class Gait:
    """Curves of the pelvis and the right leg over one cycle.

    Attributes:
        coefficients: by the names in `VARIABLES`; metres and degrees.
    """

    coefficients: Mapping[str, Array]

    def at(self, phase: Array) -> Array:
        """(n, 13) the `VARIABLES` at `phase` (n,) cycles; `forward` grows by a stride per cycle."""
        columns = [HARMONICS[name].terms(phase) @ self.coefficients[name] for name in VARIABLES]
        values = np.stack(columns, axis=1)
        values[:, 0] += gait.STRIDE_M * phase
        return values


HARMONICS: Mapping[str, Harmonics] = {
    "forward": gait.even(_ROOT_HARMONICS, constant=False),
    "sideways": gait.odd(_ROOT_HARMONICS),
    "height": gait.even(2 * _ROOT_HARMONICS),
    "yaw": gait.odd(_ROOT_HARMONICS),
    "obliquity": gait.odd(_ROOT_HARMONICS),
    "tilt": gait.even(_ROOT_HARMONICS),
    **{name: gait.every(_LEG_HARMONICS) for name in LEG},
}


def fit(subject: Subject) -> Gait:
    """The gait of this person. Takes some seconds."""
    fitting = _Fitting(subject)
    unknowns = fitting.start.copy()
    for sigma_m in _CONTACT_SIGMAS_M:
        residual, slope = fitting.linearise(unknowns, sigma_m=float(sigma_m))
        unknowns += np.linalg.lstsq(slope, -residual, rcond=None)[0]
    return fitting.unpack(unknowns)


class _Fitting:
    """The least squares problem: unknowns are all Fourier coefficients, one after the other."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._phase = np.arange(_SAMPLES) / _SAMPLES
        self._terms = {name: HARMONICS[name].terms(self._phase) for name in VARIABLES}
        sizes = [HARMONICS[name].size for name in VARIABLES]
        self._ends = np.cumsum(sizes)
        self._carries = np.stack([_window(self._phase, *CONTACTS[p]) for p in SOLE_POINTS], axis=1)
        swing = _window(self._phase, *_SWING)
        self._floor = _CLEARANCE_M * swing
        self._published = self._published_coefficients()
        self.start = np.concatenate([self._published[name] for name in VARIABLES])

    def _published_coefficients(self) -> dict[str, Array]:
        keys = {**gait.PELVIS_KEYS, **gait.KEYS}
        found = {name: gait.curve(keys[name], HARMONICS[name])[1] for name in keys}
        for name in ROOT[:3]:
            found[name] = np.zeros(HARMONICS[name].size)
        rise = gait.RISE_M / 2.0 * np.cos(4.0 * np.pi * (self._phase - gait.HIGHEST_PHASE))
        found["height"] = HARMONICS["height"].fit(self._phase, self._standing_height() + rise)
        return found

    def _standing_height(self) -> float:
        self._subject.stand()
        pelvis = self._subject.points(["pelvis"], np.zeros((1, 3)))
        return float(pelvis[0, 2] - self._subject.sole("r")[0, 2])

    def unpack(self, unknowns: Array) -> Gait:
        parts = np.split(unknowns, self._ends[:-1])
        return Gait(coefficients=dict(zip(VARIABLES, parts, strict=True)))

    def linearise(self, unknowns: Array, *, sigma_m: float) -> tuple[Array, Array]:
        """Residuals and their derivatives by the unknowns."""
        values = self.unpack(unknowns).at(self._phase)
        soles, slopes = self._soles(values)
        rows = [
            self._planted(soles, slopes, sigma_m),
            self._above(soles, slopes, sigma_m),
            self._width(soles, slopes),
        ]
        rows += [self._close_to_published(unknowns), self._smooth(unknowns)]
        return np.concatenate([row[0] for row in rows]), np.vstack([row[1] for row in rows])

    def _soles(self, values: Array) -> tuple[Array, Array]:
        """Points of the sole (samples, 4, 3) and their derivatives (samples, 4, 3, 13)."""
        points = self._drive(values)
        slopes = np.empty((*points.shape, len(VARIABLES)))
        for column, name in enumerate(VARIABLES):
            step = 1e-5 if name in ROOT[:3] else 1e-3
            moved = values.copy()
            moved[:, column] += step
            slopes[..., column] = (self._drive(moved) - points) / step
        return points, slopes

    def _drive(self, values: Array) -> Array:
        points = np.empty((len(values), len(SOLE_POINTS), 3))
        for row, pose in enumerate(values):
            pose_leg(self._subject, "r", pose)
            self._subject.set_root(pose[:3], pose[3:6].tolist())
            self._subject.update()
            points[row] = self._subject.sole("r")
        return points

    def _expand(self, slopes: Array) -> Array:
        """From derivatives by the variables (samples, …, 13) to ones by the unknowns."""
        blocks = [
            slopes[..., column, None]
            * self._terms[name].reshape(_SAMPLES, *[1] * (slopes.ndim - 2), -1)
            for column, name in enumerate(VARIABLES)
        ]
        return np.concatenate(blocks, axis=-1)

    def _planted(self, soles: Array, slopes: Array, sigma_m: float) -> tuple[Array, Array]:
        """A carrying point is on the floor, and at its own mean place."""
        weight = (self._carries / sigma_m)[..., None]
        residual, by_unknown = soles.copy(), self._expand(slopes)
        share = (self._carries / self._carries.sum(axis=0))[..., None]
        residual[..., :2] -= np.sum(share * soles[..., :2], axis=0)
        by_unknown[..., :2, :] -= np.sum(share[..., None] * by_unknown[..., :2, :], axis=0)
        return (weight * residual).ravel(), (weight[..., None] * by_unknown).reshape(
            residual.size, -1
        )

    def _above(self, soles: Array, slopes: Array, sigma_m: float) -> tuple[Array, Array]:
        """No point is below the floor, nor the toes below their clearance in swing."""
        depth = soles[..., 2] - self._floor[:, None]
        active = (depth < 0.0) / (2.0 * sigma_m)
        by_unknown = self._expand(slopes[:, :, 2])
        return (active * depth).ravel(), (active[..., None] * by_unknown).reshape(depth.size, -1)

    def _width(self, soles: Array, slopes: Array) -> tuple[Array, Array]:
        """The heel stands half a step's width to the right of the line she walks on."""
        weight = (
            self._carries[:, 0] / self._carries[:, 0].sum() / _SIGMA_WIDTH_M * np.sqrt(_SAMPLES)
        )
        residual = np.array([weight @ (soles[:, 0, 1] + gait.STEP_WIDTH_M / 2.0)])
        return residual, (weight @ self._expand(slopes[:, 0, 1]))[None]

    def _close_to_published(self, unknowns: Array) -> tuple[Array, Array]:
        sigmas = {**_SIGMA_DEG, **_SIGMA_ROOT_M}
        residuals: list[Array] = []
        rows: list[Array] = []
        for name, sigma in sigmas.items():
            place = self._place(name)
            row = np.zeros((_SAMPLES, len(unknowns)))
            row[:, place] = self._terms[name] / sigma
            if name == "height":
                row[:, place.start] = 0.0  # how high is for the legs to say; the rise is published
            rows.append(row)
            residuals.append(row[:, place] @ (unknowns[place] - self._published[name]))
        return np.concatenate(residuals), np.vstack(rows)

    def _smooth(self, unknowns: Array) -> tuple[Array, Array]:
        weights = np.zeros(len(unknowns))
        for name in VARIABLES:
            harmonics = HARMONICS[name]
            bend = np.square(np.tile(np.asarray(harmonics.orders, dtype=np.float64), 2))
            unit = 0.01 if name in ROOT[:3] else 1.0  # a centimetre weighs like a degree
            weights[self._place(name)][int(harmonics.constant) :] = _RIPPLE * bend / unit
        return weights * unknowns, np.diag(weights)

    def _place(self, name: str) -> slice:
        index = VARIABLES.index(name)
        return slice(int(self._ends[index]) - HARMONICS[name].size, int(self._ends[index]))


def pose_leg(subject: Subject, side: str, pose: Array) -> None:
    """Set a leg's joints from a row of `Gait.at`."""
    leg = dict(zip(LEG, pose[len(ROOT) :].tolist(), strict=True))
    subject.set_hinges({f"{name}_{side}": angle for name, angle in leg.items()})


def _window(phase: Array, start: float, end: float) -> Array:
    """1 from `start` to `end` (percent), 0 elsewhere, with soft edges outside of it."""
    percent = 100.0 * phase
    return np.clip(np.minimum((percent - start) / 1.0 + 1.0, (end - percent) / 2.0 + 1.0), 0.0, 1.0)
