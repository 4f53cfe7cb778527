# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures of a take as inline SVG; colours come from the page's style.

What a picture shows also stands in words in its `<title>` and its label.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..takes.preflight import LOWEST_COVERAGE
from .markup import Markup, element
from .wording import counted, percent, seconds

# Stages in the order in which a take goes through them.
STAGES = ("upload", "solve", "download", "decode", "retarget", "write", "extras", "check")
OTHER_STAGE = len(STAGES)
FEW_GAPS = 0.9
WORST_NAMED = 5
# More bars than this cannot be told apart: neighbours share one then.
MOST_BARS = 120
BAR, GAP, HEIGHT, WIDEST = 2, 1, 20, 150
STAGES_WIDTH, STAGES_HEIGHT = 120, 10

Coverage = Sequence[tuple[str, float]]
Seconds = Sequence[tuple[str, float]]


def coverage(markers: Coverage) -> Markup:
    """One bar per marker, as high as the share of frames in which the marker is seen.

    Args:
        markers: name and share (0 to 1) of each, in the order of the bars.
    """
    told = coverage_in_words(markers)
    bars = _bars([share for _, share in markers])
    width = max(len(bars) * (BAR + GAP) - GAP, BAR)
    return _picture(
        told,
        element("rect", class_="track", width=width, height=HEIGHT),
        *(_marks(bars, kind) for kind in ("good", "some", "poor")),
        kind="coverage",
        size=(width, HEIGHT),
        shown_width=min(width, WIDEST),
    )


def coverage_in_words(markers: Coverage) -> str:
    """How many markers there are, how many have gaps, and the worst by name."""
    gaps = sorted((pair for pair in markers if pair[1] < 1.0), key=lambda pair: pair[1])
    if not gaps:
        return f"{counted(len(markers), 'marker')}, seen in every frame"
    worst = ", ".join(f"{name} {percent(share)}" for name, share in gaps[:WORST_NAMED])
    few = sum(1 for _, share in gaps if share < FEW_GAPS)
    most = f"{few} in less than {percent(FEW_GAPS)} of the frames; worst"
    return f"{counted(len(markers), 'marker')}, {len(gaps)} with gaps, {most}: {worst}"


def stages(spent: Seconds, *, longest_s: float) -> Markup:
    """Where a take's time went, as one bar with a piece per stage.

    Args:
        spent: stage and time (s) of each, without those that took none.
        longest_s: the time of a bar over the whole width; the same in all rows, so that bars
            can be compared.
    """
    scale = STAGES_WIDTH / longest_s if longest_s > 0.0 else 0.0
    pieces: list[Markup] = []
    left = 0.0
    for stage, time_s in spent:
        pieces.append(_piece(left, time_s * scale, stage_class(stage)))
        left += time_s * scale
    return _picture(
        stages_in_words(spent),
        element("rect", class_="track", width=STAGES_WIDTH, height=STAGES_HEIGHT),
        *pieces,
        kind="stages",
        size=(STAGES_WIDTH, STAGES_HEIGHT),
        shown_width=STAGES_WIDTH,
    )


def stages_in_words(spent: Seconds) -> str:
    """`8.20 s: upload 0.20 s, solve 8.00 s`."""
    total = seconds(math.fsum(time_s for _, time_s in spent))
    return f"{total}: " + ", ".join(f"{stage} {seconds(time_s)}" for stage, time_s in spent)


def stage_class(stage: str) -> str:
    """The class that gives a stage its colour."""
    return f"s{STAGES.index(stage) if stage in STAGES else OTHER_STAGE}"


def swatch(stage: str) -> Markup:
    """The colour of a stage, for the legend; it says nothing of its own."""
    square = element("rect", class_=stage_class(stage), width=STAGES_HEIGHT, height=STAGES_HEIGHT)
    return element("svg", square, width=STAGES_HEIGHT, height=STAGES_HEIGHT, aria_hidden="true")


def _picture(
    told: str, *drawn: Markup, kind: str, size: tuple[int, int], shown_width: int
) -> Markup:
    return element(
        "svg",
        element("title", told),
        *drawn,
        class_=kind,
        role="img",
        aria_label=told,
        width=shown_width,
        height=size[1],
        viewBox=f"0 0 {size[0]} {size[1]}",
        preserveAspectRatio="none",
    )


def _piece(left: float, width: float, kind: str) -> Markup:
    rounded = max(round(width, 2), 0.01)
    return element("rect", class_=kind, x=round(left, 2), width=rounded, height=STAGES_HEIGHT)


def _bars(shares: Sequence[float]) -> list[float]:
    """One share per bar: the lowest of those that share it."""
    each = math.ceil(len(shares) / MOST_BARS)
    return [min(shares[at : at + each]) for at in range(0, len(shares), each or 1)]


def _marks(bars: Sequence[float], kind: str) -> Markup:
    """All bars of one kind in one path, which takes a third of the room of rectangles."""
    drawn = "".join(
        f"M{at * (BAR + GAP)} {HEIGHT}v-{_height(share)}h{BAR}v{_height(share)}z"
        for at, share in enumerate(bars)
        if _kind(share) == kind
    )
    return element("path", class_=kind, d=drawn) if drawn else Markup("")


def _kind(share: float) -> str:
    """`poor`: the service leaves such a marker out of the solve."""
    if share >= FEW_GAPS:
        return "good"
    return "some" if share >= LOWEST_COVERAGE else "poor"


def _height(share: float) -> int:
    """In whole units, so that bars are crisp: the full height only where nothing is missing."""
    return HEIGHT if share >= 1.0 else min(max(round(HEIGHT * share), 1), HEIGHT - 1)
