# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured in a window, as figures, and in the log what stands behind them."""

from __future__ import annotations

import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .figure import Figure

USUAL_MS, LONGEST_MS, STEP_MS = 4.0, 16.0, 50.0
IMPORT_MS = 2.0
TRANSFER, IMPORT, IDLE, REDRAWS = "transfer", "import", "idle", "redraws"
UNDO = "session.push_undo"
STEP = "step: "
SHOWN = 8


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call; times in ms.

    Attributes:
        cpu: processor time of the main thread; the rest of the duration it waited.
        outer: number of the call that this one is a part of, -1 for none.
        waits: how often it waited, for Python's lock or for a file.
        made_to_wait: how often the system gave the processor to others.
    """

    number: int
    phase: str
    name: str
    duration: float
    cpu: float
    outer: int
    waits: int
    made_to_wait: int


@dataclass(frozen=True, kw_only=True)
class Measured:
    """All of one Blender: as it was written down there, and the load of the machine."""

    suite: str
    found: dict[str, Any]
    references: dict[str, float]
    loads: tuple[float, float]

    @property
    def version(self) -> str:
        """Of this Blender."""
        return str(self.found["blender"]).split(" ")[0]

    @cached_property
    def calls(self) -> list[Call]:
        """All of them, in the order in which they began."""
        return [
            Call(
                number=number,
                phase=phase,
                name=name,
                duration=duration * 1e3,
                cpu=cpu * 1e3,
                outer=outer,
                waits=waits,
                made_to_wait=made,
            )
            for number, (phase, name, _, duration, cpu, outer, waits, made) in enumerate(
                self.found["calls"]
            )
        ]

    @cached_property
    def parts(self) -> dict[int, list[Call]]:
        """By the number of a call, the calls that are parts of it."""
        found: dict[int, list[Call]] = defaultdict(list)
        for call in self.calls:
            if call.outer >= 0:
                found[call.outer].append(call)
        return found

    def entries(self, phase: str) -> list[Call]:
        """What Blender called in a phase."""
        return [call for call in self.calls if call.outer < 0 and call.phase == phase]

    def undo_in(self, call: Call) -> float:
        """How much of a call is Blender's own work on an undo step."""
        if call.name == UNDO:
            return call.duration
        return sum(self.undo_in(part) for part in self.parts[call.number])

    def steps(self) -> list[tuple[Call, float]]:
        """The steps of imports, and how long each took without Blender's undo step."""
        found = [call for call in self.calls if call.name.startswith(STEP)]
        return [(call, call.duration - self.undo_in(call)) for call in found]

    def gaps(self, phase: str) -> list[float]:
        """Times between two ticks in a phase, in ms."""
        return [seconds * 1e3 for name, seconds in self.found["gaps"] if name == phase]

    def imports(self) -> list[tuple[str, str, float, str]]:
        """Phase, module, ms and calls of what our calls imported while a job ran."""
        return [
            (phase, module, seconds * 1e3, during)
            for phase, module, seconds, during in self.found["imports"]
            if phase in (TRANSFER, IMPORT) and during
        ]


def percentile(values: Iterable[float], share: float) -> float:
    """The value that a share of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def figures_of(measured: Measured) -> list[Figure]:
    """The claims, and what they are held against."""
    entries = measured.entries(TRANSFER)
    calls = [call.duration for call in entries]
    steps = [own for _, own in measured.steps()]
    undo = [call.duration for call in measured.calls if call.name == UNDO]
    imports = [spent for _, _, spent, _ in measured.imports()]
    rows = [
        ("sending, calls at 99 %", percentile(calls, 0.99), USUAL_MS),
        ("sending, longest call", max(calls), LONGEST_MS),
        ("sending, longest in processor time", max(call.cpu for call in entries), LONGEST_MS),
        ("importing, longest step", max(steps), STEP_MS),
        ("importing, undo step", statistics.median(undo), measured.references["undo"] * 1e3),
        ("longest import of a module", max(imports, default=0.0), IMPORT_MS),
    ]
    for phase, words in ((TRANSFER, "sending"), (IMPORT, "importing")):
        gap = percentile(measured.gaps(phase), 0.99)
        for beside in (IDLE, REDRAWS):
            name = f"{words}, gaps at 99 % by {beside}"
            rows.append((name, gap, percentile(measured.gaps(beside), 0.99)))
    figures = [_figure(measured, name, value, "ms", against) for name, value, against in rows]
    whole = statistics.median(measured.found["landings"])
    against = measured.references["land"]
    return [*figures, _figure(measured, "from fetched to done", whole, "s", against)]


def _figure(measured: Measured, name: str, value: float, unit: str, reference: float) -> Figure:
    name = f"responsiveness {measured.version}: {name}"
    return Figure(name=name, value=value, unit=unit, reference=reference)


def log(measured: Measured) -> None:
    """All that helps to see why a claim does not hold."""
    loads = " to ".join(f"{load:.1f}" for load in measured.loads)
    where = f"Blender {measured.version} ({measured.suite})"
    _say(f"\nresponsiveness: {where}; load of the machine {loads}")
    for phase in (TRANSFER, IMPORT):
        _log_entries(measured, phase)
    _log_steps(measured)
    for phase in (IDLE, REDRAWS, TRANSFER, IMPORT):
        _say(f"  gaps, {phase:9} {_spread(measured.gaps(phase))}")
        drawn = Counter(region for during, region in measured.found["draws"] if during == phase)
        _say(f"    drawn: {', '.join(f'{name} {count}' for name, count in drawn.items())}")
    for phase, module, spent, during in measured.imports():
        if spent > IMPORT_MS:
            _say(f"  imported on the main thread: {module}, {spent:.1f} ms, {phase}, in {during}")
    each = " ".join(f"{seconds:.2f}" for seconds in measured.found["landings"])
    _say(f"  from fetched to done, s: {each}; at one go {measured.references['land']:.2f}")


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def _spread(values: list[float]) -> str:
    if not values:
        return "none"
    middle, high = statistics.median(values), percentile(values, 0.99)
    return f"{len(values):6} median {middle:7.2f}  99 % {high:7.2f}  max {max(values):7.2f} ms"


def _log_entries(measured: Measured, phase: str) -> None:
    """Each entry point, the longest first; then the longest calls and what was in them."""
    by_name: dict[str, list[Call]] = defaultdict(list)
    for call in measured.entries(phase):
        by_name[call.name].append(call)
    calls = [call for group in by_name.values() for call in group]
    _say(f"  {phase}: all calls {_spread([call.duration for call in calls])}")
    ranked = sorted(by_name.items(), key=lambda item: -max(call.duration for call in item[1]))
    for name, group in ranked[:SHOWN]:
        cpu = max(call.cpu for call in group)
        _say(f"    {name:36} {_spread([call.duration for call in group])}, processor {cpu:.2f}")
    for call in sorted(calls, key=lambda call: -call.duration)[:SHOWN]:
        _say(f"    longest: {_described(call)} {_inside(measured, call)}")


def _described(call: Call) -> str:
    return (
        f"{call.name} {call.duration:.2f} ms, processor {call.cpu:.2f}, waited {call.waits}, "
        f"made to wait {call.made_to_wait}"
    )


def _inside(measured: Measured, call: Call) -> str:
    """The longest parts of a call, and theirs."""
    parts = sorted(measured.parts[call.number], key=lambda part: -part.duration)[:3]
    shown = [
        f"{part.name} {part.duration:.2f} (processor {part.cpu:.2f}) {_inside(measured, part)}"
        for part in parts
        if part.duration > 0.2 * call.duration
    ]
    return f"[{'; '.join(shown).strip()}]" if shown else ""


def _log_steps(measured: Measured) -> None:
    by_name: dict[str, list[tuple[Call, float]]] = defaultdict(list)
    for call, own in measured.steps():
        by_name[call.name].append((call, own))
    for name, group in by_name.items():
        _say(f"    {name:36} {_spread([own for _, own in group])} without the undo step")
        call, own = max(group, key=lambda item: item[1])
        _say(f"      longest {own:.2f}: {_described(call)} {_inside(measured, call)}")
    undo = [call for call in measured.calls if call.name == UNDO]
    _say(f"    undo steps: {' '.join(f'{call.duration:.1f}' for call in undo)} ms")
