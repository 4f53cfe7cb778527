# SPDX-License-Identifier: GPL-3.0-or-later
"""Blends and roofs: what is given is kept, what is between is smooth."""

from __future__ import annotations

import numpy as np

from myosapiens_addon.retarget import smoothing


def test_a_roof_is_nowhere_below_the_need_and_ends_at_zero() -> None:
    need = np.zeros(400)
    need[150:170], need[240] = 0.03, 0.05
    roof = smoothing.roof(need, 20)
    assert np.all(roof >= need - 1e-15)
    assert not roof[:109].any()
    assert not roof[281:].any()
    assert np.abs(np.diff(roof, 2)).max() < 0.05 * 6.0 / 20**2


def test_without_a_need_there_is_no_roof() -> None:
    assert not smoothing.roof(np.zeros(10), 3).any()
