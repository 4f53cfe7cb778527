# SPDX-License-Identifier: GPL-3.0-or-later
"""The columns of the table of takes: for each, which rows fill it and what stands in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import pictures
from .markup import Markup, element, joined
from .places import Places, file_name
from .rows import CANCELLED, DONE, FAILED, Row
from .thumbnails import Thumbnails
from .wording import LONGEST_NAME, counted, millimetres, percent, seconds, text

# A sign besides the word and the colour, for quick eyes.
SIGNS = {DONE: "✓", FAILED: "✗", CANCELLED: "–"}
THUMBNAIL_WIDTH = 104
FINEST_DEG = 0.01
NOTHING = Markup("")


@dataclass(frozen=True, kw_only=True)
class Around:
    """What cells need besides their row.

    Attributes:
        places: how files are named and linked.
        thumbnails: the pictures of the page.
        longest_s: the time of the slowest take (s).
    """

    places: Places
    thumbnails: Thumbnails
    longest_s: float


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column.

    Attributes:
        title: its header.
        content: what stands in the cell of a row.
        order: what the column is sorted by; None where there is nothing to sort by.
        is_filled: whether a row has anything for it; a column without any is left out.
        kind: class of its cells.
    """

    title: str
    content: Callable[[Row, Around], Markup]
    order: Callable[[Row], str | float | None] | None = None
    is_filled: Callable[[Row], object] = bool
    kind: str = ""


def cells(row: Row, columns: Sequence[Column], around: Around) -> Markup:
    """The row of a take; its name is the header of the row."""
    made = [_cell(row, column, around) for column in columns]
    warned = str(row.warning_count) if row.warning_count else None
    return element("tr", *made, id=row_id(row), data_status=row.status, data_warnings=warned)


def row_id(row: Row) -> str:
    """The name by which a row is linked to."""
    return f"take-{row.number}"


def status(kind: str) -> Markup:
    """A status as sign and word."""
    sign = element("span", SIGNS.get(kind, "?"), aria_hidden="true")
    known = kind if kind in SIGNS else "other"
    return element("span", sign, f" {kind}", class_=f"status {known}")


def name(shown: str) -> Markup:
    """A name of the user's, which may be in any script and direction."""
    return element("bdi", shown)


def _cell(row: Row, column: Column, around: Around) -> Markup:
    order = column.order(row) if column.order is not None else None
    content = column.content(row, around)
    kind = column.kind or None
    value = "" if order is None else order if isinstance(order, str) else f"{order:.9g}"
    if column.title == TAKE:
        return element("th", content, scope="row", class_=kind, data_v=value or None)
    return element("td", content, class_=kind, data_v=value or None)


def _number(row: Row, _around: Around) -> Markup:
    return element("a", str(row.number), href=f"#{row_id(row)}", aria_label=f"Row {row.number}")


def _picture(row: Row, around: Around) -> Markup:
    found = around.thumbnails.picture(row.thumbnail)
    if found is None:
        return _small("not at hand") if row.thumbnail else NOTHING
    shown = element(
        "img",
        src=found.source,
        alt=f"The result of {row.name}",
        width=THUMBNAIL_WIDTH,
        height=max(1, round(THUMBNAIL_WIDTH * found.height / found.width)),
        loading="lazy" if found.source == found.link else None,
        decoding="async",
    )
    return shown if found.link is None else element("a", shown, href=found.link)


def _take(row: Row, _around: Around) -> Markup:
    where = " on ".join(part for part in (row.action, row.armature) if part)
    more = [
        counted(number, thing)
        for number, thing in ((row.joint_angles, "joint angle"), (row.meshes, "mesh"))
        if number
    ]
    shown = element("strong", name(row.name))
    lines = [where, ", ".join(more).replace("meshs", "meshes")]
    return joined(shown, *(_small(name(line)) for line in lines if line))


def _status(row: Row, _around: Around) -> Markup:
    """The status, and what there is to say of it."""
    error = element("p", row.error, class_="error") if row.error else NOTHING
    return joined(status(row.status), error, _warnings(row))


def _warnings(row: Row) -> Markup:
    if not row.warnings:
        return NOTHING
    said = [element("li", sentence) for sentence in row.warnings]
    if row.further:
        said.append(element("li", f"and {row.further} more"))
    summary = element("summary", counted(row.warning_count, "warning"))
    return element("details", summary, element("ul", *said))


def _frames(row: Row, _around: Around) -> Markup:
    rates = [f"{row.capture_rate:.6g} Hz take"] if row.capture_rate else []
    rates += [f"{row.scene_rate:.6g} fps scene"] if row.scene_rate else []
    return joined(str(row.frames or ""), *(_small(rate) for rate in rates))


def _time(row: Row, around: Around) -> Markup:
    drawn = pictures.stages(row.spent, longest_s=around.longest_s)
    return joined(seconds(row.seconds), drawn) if row.spent else NOTHING


def _coverage(row: Row, _around: Around) -> Markup:
    if not row.coverage:
        return NOTHING
    worst, share = min(row.coverage, key=lambda pair: pair[1])
    told = "all whole" if share >= 1.0 else joined("worst ", name(worst), f" {percent(share)}")
    count = f"{counted(len(row.coverage), 'marker')}, "
    return joined(pictures.coverage(row.coverage), _small(joined(count, told)))


def _distance(row: Row, _around: Around) -> Markup:
    far = row.distance
    if far is None:
        return NOTHING
    largest = "" if far.largest_mm is None else millimetres(far.largest_mm)
    mean = NOTHING if far.mean_mm is None else _small(f"mean {millimetres(far.mean_mm)}")
    at = _small(joined("at ", name(far.body))) if far.body else NOTHING
    return joined(largest, mean, at)


def _bone_map(row: Row, _around: Around) -> Markup:
    shown = name(row.bone_map) if row.bone_map else NOTHING
    off = row.direction_error_deg
    if off is None:
        return joined(shown)
    return joined(shown, _small(f"directions within {max(off, FINEST_DEG):.2g}°"))


def _files(row: Row, around: Around) -> Markup:
    lines = [
        joined(element("dt", what), element("dd", _file(path, around.places)))
        for what, path in row.files
    ]
    if row.job_id:
        lines.append(joined(element("dt", "Job"), element("dd", element("code", row.job_id))))
    if not lines:
        return NOTHING
    summary = element("summary", counted(len(row.files), "file") if row.files else "job")
    result = _file(row.out, around.places, named=file_name) if row.out else NOTHING
    return joined(result, element("details", summary, element("dl", *lines)))


def _file(path: str, places: Places, *, named: Callable[[str], str] = str) -> Markup:
    """A file, as a link where it can be one."""
    shown = name(text(named(places.shown(path)), longest=LONGEST_NAME))
    address = places.link(path)
    return shown if address is None else element("a", shown, href=address)


def _small(content: str) -> Markup:
    return element("span", content, class_="small")


def _largest(row: Row) -> float | None:
    return None if row.distance is None else row.distance.largest_mm


def _lowest(row: Row) -> float | None:
    return min((share for _, share in row.coverage), default=None)


TAKE = "Take"
COLUMNS = (
    Column(title="Row", content=_number, order=lambda row: float(row.number), kind="number"),
    Column(title="Picture", content=_picture, is_filled=lambda row: row.thumbnail),
    Column(title=TAKE, content=_take, order=lambda row: row.name, kind="take"),
    Column(title="Status", content=_status, order=lambda row: row.status, kind="messages"),
    Column(
        title="Keyed frames",
        content=_frames,
        order=lambda row: float(row.frames),
        is_filled=lambda row: row.frames,
        kind="number",
    ),
    Column(
        title="Time",
        content=_time,
        order=lambda row: row.seconds if row.spent else None,
        is_filled=lambda row: row.spent,
        kind="time",
    ),
    Column(
        title="Markers seen", content=_coverage, order=_lowest, is_filled=lambda row: row.coverage
    ),
    Column(
        title="Distance to xpos",
        content=_distance,
        order=_largest,
        is_filled=lambda row: row.distance,
        kind="number",
    ),
    Column(
        title="Bone map",
        content=_bone_map,
        order=lambda row: row.bone_map,
        is_filled=lambda row: row.bone_map or row.direction_error_deg is not None,
        kind="map",
    ),
    Column(
        title="Files",
        content=_files,
        is_filled=lambda row: row.files or row.job_id,
        kind="files",
    ),
)
