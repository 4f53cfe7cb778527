# SPDX-License-Identifier: GPL-3.0-or-later
"""Property tests on machines that have other things to do: no deadlines."""

from __future__ import annotations

from hypothesis import HealthCheck, settings


def calm(*, max_examples: int = 60) -> settings:
    """Settings of a property test."""
    return settings(
        max_examples=max_examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
