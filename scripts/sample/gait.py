# SPDX-License-Identifier: GPL-3.0-or-later
"""Normal human gait as periodic curves through key values of the published literature.

A cycle runs from one right heel strike (phase 0) to the next (phase 1). Angles are in degrees and
signed like the joints of the reference skeleton: flexion, adduction, inner rotation, dorsiflexion,
inversion and toe extension are positive. The key values are read off figures and tables of:

- Perry and Burnfield, Gait Analysis: Normal and Pathological Function (2nd ed., 2010), chapters
  3 to 6: ankle (10° up at 45 %, 15–20° down at toe-off), toes (up 25° at contact, up 50–60° at
  toe-off), knee (18° in loading, 60° in swing), phases of stance (foot flat from 12 %, heel off
  at 31 %, toe-off at 62 %), rotation (10° in all) and obliquity (4° each way) of the pelvis.
- Winter, Biomechanics and Motor Control of Human Gait (2nd ed., 1991), chapter 3: hip and knee at
  natural cadence; hip range 20–30° flexed to 10° extended.
- Bovi et al., Gait & Posture 33 (2011) 6–13: hip adduction (6° in loading, 5° abducted at
  toe-off), hip and foot rotation of adults.
- Murray, Sepic and Barnard, Phys. Ther. 47 (1967) 272–284: shoulder (24° back, 8° forward) and
  elbow (some 15° to 45°) of men walking at free speed, each opposite to the leg of its side.
- Murray, Drought and Kory, J. Bone Joint Surg. 46-A (1964) 335–360: step width 8 cm, the feet
  turned out by 7°, the pelvis rising by 4 to 5 cm, the thorax turning against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Keys = Mapping[float, float]  # phase in percent of the cycle: degrees

CADENCE_STEPS_PER_MIN = 110.0
SPEED_M_PER_S = 1.3
STRIDE_S = 120.0 / CADENCE_STEPS_PER_MIN
STRIDE_M = SPEED_M_PER_S * STRIDE_S
STEP_WIDTH_M = 0.08
RISE_M = 0.04  # of the pelvis, twice a cycle, highest in mid-stance
HIGHEST_PHASE = 0.30

_FIT_HARMONICS = 10
_SMOOTHNESS = 0.004  # just enough that the curve does not swing between the keys


@dataclass(frozen=True, kw_only=True)
class Harmonics:
    """A set of terms of a Fourier series: cosine and sine of each order, and perhaps a constant.

    A gait that is the same on both sides, half a cycle apart, has even orders only in what both
    legs share alike (height) and odd ones only in what changes sides (sway).
    """

    orders: tuple[int, ...]
    constant: bool = True

    @property
    def size(self) -> int:
        """How many coefficients a curve has."""
        return 2 * len(self.orders) + self.constant

    def terms(self, phase: Array) -> Array:
        """(n, size) the terms at `phase` (n,), in cycles."""
        angles = 2.0 * np.pi * np.outer(phase, self.orders)
        columns = [np.ones((len(phase), int(self.constant))), np.cos(angles), np.sin(angles)]
        return np.hstack(columns)

    def fit(self, phase: Array, values: Array) -> Array:
        """(size,) coefficients of the smooth curve through the given values."""
        bend = np.square(np.tile(np.asarray(self.orders, dtype=np.float64), 2))
        rows = np.diag(np.concatenate([np.zeros(int(self.constant)), _SMOOTHNESS * bend]))
        system = np.vstack([self.terms(phase), rows])
        wanted = np.concatenate([values, np.zeros(self.size)])
        return np.linalg.lstsq(system, wanted, rcond=None)[0].astype(np.float64)


def every(highest: int) -> Harmonics:
    """All orders up to `highest`: one leg's joints."""
    return Harmonics(orders=tuple(range(1, highest + 1)))


def even(highest: int, *, constant: bool = True) -> Harmonics:
    """Even orders: the same for the steps of both sides."""
    return Harmonics(orders=tuple(range(2, highest + 1, 2)), constant=constant)


def odd(highest: int) -> Harmonics:
    """Odd orders: mirrored from step to step."""
    return Harmonics(orders=tuple(range(1, highest + 1, 2)), constant=False)


KEYS: Mapping[str, Keys] = {
    "hip_flexion": {
        0: 26, 10: 23, 20: 15, 30: 5, 40: -4, 50: -10,
        55: -10, 62: -3, 70: 11, 80: 25, 88: 30, 95: 28,
    },
    "hip_adduction": {0: 0, 8: 4, 16: 6, 30: 4, 45: 2, 55: -1, 62: -5, 70: -5, 85: -1},
    "hip_rotation": {0: -6, 15: -3, 40: -3, 60: -6, 80: -8},
    "knee_flexion": {
        0: 5, 8: 14, 15: 18, 25: 13, 35: 6, 40: 5, 50: 13,
        62: 40, 68: 56, 73: 60, 80: 50, 88: 25, 95: 5, 98: 3,
    },
    "ankle_dorsiflexion": {
        0: 0, 4: -4, 8: -6, 15: 0, 25: 4, 35: 7, 45: 10, 50: 9,
        55: 2, 62: -16, 65: -17, 72: -8, 80: -1, 87: 1, 95: 1,
    },
    "subtalar_inversion": {0: 2, 10: -3, 25: -4, 45: 0, 58: 5, 70: 3, 85: 1},
    "toe_extension": {
        0: 22, 6: 12, 12: 0, 30: 0, 42: 8, 52: 30, 60: 52, 66: 40, 75: 15, 85: 12, 94: 20,
    },
}  # fmt: skip

# Of the pelvis: turned to the left, right side up, tilted forward.
PELVIS_KEYS: Mapping[str, Keys] = {
    "yaw": {0: 5, 25: 1, 50: -5, 75: -1},
    "obliquity": {0: 0, 13: 4, 30: 1, 50: 0, 63: -4, 80: -1},
    "tilt": {0: 2, 12: 3.5, 25: 2, 37: 0.5, 50: 2, 62: 3.5, 75: 2, 87: 0.5},
}

ARM_KEYS: Mapping[str, Keys] = {
    "shoulder_flexion": {0: -22, 25: -10, 50: 8, 75: -6},
    "elbow_flexion": {0: 18, 20: 18, 50: 42, 70: 32, 88: 20},
}


def curve(keys: Keys, harmonics: Harmonics | None = None) -> tuple[Harmonics, Array]:
    """The periodic curve through key values: its terms and their coefficients (degrees)."""
    terms = harmonics or every(_FIT_HARMONICS)
    phase = np.array(list(keys), dtype=np.float64) / 100.0
    return terms, terms.fit(phase, np.array(list(keys.values()), dtype=np.float64))


def sample(keys: Keys, phase: Array, harmonics: Harmonics | None = None) -> Array:
    """(n,) the curve through key values at `phase` (n,); degrees."""
    terms, coefficients = curve(keys, harmonics)
    return np.asarray(terms.terms(phase) @ coefficients)
