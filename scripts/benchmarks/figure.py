# SPDX-License-Identifier: GPL-3.0-or-later
"""What a benchmark gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured figure.

    Attributes:
        name: what was measured, and where.
        value: the figure, in `unit`.
        unit: its unit.
        reference: what it is held against: a limit, or the same work done another way.
    """

    name: str
    value: float
    unit: str
    reference: float

    @property
    def ratio(self) -> float:
        """The figure as a multiple of its reference."""
        return self.value / self.reference if self.reference else float("nan")

    def as_dict(self) -> dict[str, str | float]:
        """The figure as `bench.py --json` holds it."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "reference": self.reference,
            "ratio": self.ratio,
        }
