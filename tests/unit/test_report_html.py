# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: ANN401 - a row of a report may hold anything
"""`report.html`: whole, escaped, readable, and silent about the user's machine."""

from __future__ import annotations

import ast
import base64
import errno
import hashlib
import os
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myosapiens_addon.errors import InputError
from myosapiens_addon.reports import html, pictures, style, thumbnails, wording

PACKAGE = Path(html.__file__).resolve().parents[1]
VOID = {"meta", "img", "br"}
HOSTILE = "</title></script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;"
KEYS = [
    "c3d", "markerset", "status", "job_id", "action", "armature", "frames", "capture_rate",
    "scene_rate", "seconds", "warnings", "error", "output_files", "bone_map",
    "direction_error_deg", "source", "xpos", "joint_angles", "meshes", "angles_file",
    "coverage", "thumbnail", "out", "name",
]  # fmt: skip


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None] = field(default_factory=dict)
    inside: list[Element | str] = field(default_factory=list)

    def text(self) -> str:
        return "".join(one if isinstance(one, str) else one.text() for one in self.inside)

    def walk(self) -> Iterator[Element]:
        yield self
        for one in self.inside:
            if isinstance(one, Element):
                yield from one.walk()

    def all(self, tag: str) -> list[Element]:
        return [one for one in self.walk() if one.tag == tag]

    def get(self, name: str) -> str:
        return self.attributes.get(name) or ""


class Strict(HTMLParser):
    """A tree; every element that is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("")
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"{tag} has an attribute twice"
        made = Element(tag, dict(attrs))
        self.open[-1].inside.append(made)
        if tag not in VOID:
            self.open.append(made)

    def handle_endtag(self, tag: str) -> None:
        assert tag not in VOID
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)


def parsed(page: Path) -> Element:
    parser = Strict()
    parser.feed(page.read_text(encoding="utf-8"))
    parser.close()
    assert parser.open == [parser.root], "something is left open"
    return parser.root


def written(folder: Path, takes: list[Any], title: str = "Day 1", version: str = "") -> Element:
    page = folder / "report.html"
    html.write(page, takes, title=title, folder=folder, version=version)
    return parsed(page)


def take(number: int = 1, **changed: Any) -> dict[str, Any]:
    """A row as the batch hands it over."""
    coverage = [{"marker": f"S1:M{at:02d}", "share": 1.0 - at / 100} for at in range(41)]
    row: dict[str, Any] = {
        "name": f"walk_{number:03d}",
        "c3d": f"/mnt/day 1/walk_{number:03d}.c3d",
        "markerset": "/mnt/day 1/markers.xml",
        "status": "done",
        "job_id": f"0199e278-06e6-7726-a6ba-{number:012d}",
        "action": f"walk_{number:03d}",
        "armature": "Character",
        "frames": 83,
        "capture_rate": 120.0,
        "scene_rate": 24.0,
        "seconds": dict.fromkeys(pictures.STAGES, 0.5) | {"solve": 8.0 + number, "check": 0.0},
        "warnings": ["The marker C7 has no label and is left out."],
        "error": None,
        "output_files": ["/mnt/day 1/motion.glb", "/mnt/day 1/xpos.parquet"],
        "bone_map": "Preset one",
        "direction_error_deg": 0.02,
        "source": "motion.glb",
        "xpos": {"largest_mm": 0.42, "mean_mm": 0.00004, "body": "toes_r", "bone_heads": None},
        "joint_angles": 124,
        "meshes": 109,
        "angles_file": "",
        "coverage": coverage,
        "out": f"takes/walk_{number:03d}.blend",
    }
    return row | changed


def rows_of(page: Element) -> list[Element]:
    return page.all("tbody")[0].all("tr")


def cell(page: Element, title: str, row: int = 0) -> Element:
    titles = [head.text() for head in page.all("thead")[0].all("th")]
    tds = [one for one in rows_of(page)[row].inside if isinstance(one, Element)]
    return tds[titles.index(title)]


def png(width: int = 32, height: int = 16, extra: int = 0) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    pixels = zlib.compress((b"\0" + b"\x40\x60\x80" * width) * height)
    return (
        thumbnails.SIGNATURE
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"tEXt", b"Comment\0" + b"x" * extra)
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
    )


def test_a_row_says_what_became_of_the_take(tmp_path: Path) -> None:
    page = written(tmp_path, [take()])
    assert cell(page, "Take").text() == (
        "walk_001walk_001 on Character124 joint angles, 109 meshes"
    )
    assert cell(page, "Status").text() == (
        "✓ done1 warningThe marker C7 has no label and is left out."
    )
    assert cell(page, "Keyed frames").text() == "83120 Hz take24 fps scene"
    assert cell(page, "Time").text().startswith("12.0 s12.0 s: upload 0.50 s, solve 9.00 s, ")
    assert cell(page, "Distance to xpos").text() == "0.42 mmmean < 0.001 mmat toes_r"
    assert cell(page, "Bone map").text() == "Preset onedirections within 0.02°"
    files = [(dt.text(), dd.text()) for dt, dd in zip(page.all("dt"), page.all("dd"), strict=True)]
    assert files == [
        ("Take", "walk_001.c3d"),
        ("Markerset", "markers.xml"),
        ("Result", "takes/walk_001.blend"),
        ("Output", "motion.glb"),
        ("Output", "xpos.parquet"),
        ("Job", "0199e278-06e6-7726-a6ba-000000000001"),
    ]


def test_the_head_counts_adds_up_and_points(tmp_path: Path) -> None:
    takes = [take(number) for number in range(1, 8)]
    takes += [take(8, status="failed", error="It is damaged.", seconds={"upload": 30.0})]
    takes += [take(9, status="canceled", seconds={}, warnings=[])]
    takes += [take(10, status="held back", seconds={}, warnings=[])]
    page = written(tmp_path, takes, version="1.2.3")
    sections = {one.all("h2")[0].text(): one for one in page.all("section")}
    assert [one.text() for one in sections["Takes"].all("li")] == [
        "7 ✓ done", "1 ✗ failed", "1 – cancelled", "1 ? held back", "8 with warnings",
    ]  # fmt: skip
    # Seven times 3.0 s besides the solve, which takes 9 to 15 s; then the failed one's upload.
    assert sections["Time"].all("p")[0].text() == "all takes together 2 min 15 s"
    assert " solve 1 min 24 s" in [one.text() for one in sections["Time"].all("li")]
    assert [one.text() for one in sections["Failed"].all("li")] == ["walk_008"]
    slowest = [one.text() for one in sections["Slowest"].all("li")]
    assert slowest[:2] == ["walk_008 30.0 s", "walk_007 18.0 s"]
    assert len(slowest) == 5
    ids = {one.get("id") for one in rows_of(page)}
    linked = {one.get("href") for one in page.all("header")[0].all("a")}
    assert {one.removeprefix("#") for one in linked} <= ids
    words = page.all("header")[0].all("p")[0].text()
    assert re.fullmatch(
        r"10 takes, written \d{4}-\d\d-\d\d \d\d:\d\d .* by MyoSapiens for Blender 1\.2\.3", words
    )


@pytest.mark.parametrize("status", ["done", "failed", "cancelled", "waiting", "", None, 7, []])
def test_every_status_is_a_word(tmp_path: Path, status: object) -> None:
    page = written(tmp_path, [take(status=status)])
    word = cell(page, "Status").text().split()[1].removesuffix("1")
    assert word == (str(status) if status else "unknown")


def test_what_is_missing_leaves_no_column(tmp_path: Path) -> None:
    page = written(tmp_path, [{}, {"status": "done"}])
    titles = [head.text() for head in page.all("thead")[0].all("th")]
    assert titles == ["Row", "Take", "Status"]
    assert [cell(page, "Take", row).text() for row in (0, 1)] == ["Take 1", "Take 2"]


def test_no_takes_at_all(tmp_path: Path) -> None:
    page = written(tmp_path, [])
    assert not page.all("table")
    assert "no takes" in page.all("main")[0].text()


@pytest.mark.parametrize("missing", KEYS)
def test_any_key_may_be_missing(tmp_path: Path, missing: str) -> None:
    row = take()
    row.pop(missing, None)
    assert len(rows_of(written(tmp_path, [row, take(2)]))) == 2


_numbers = st.integers() | st.floats()
_odd: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | _numbers | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
_told = st.dictionaries(st.sampled_from(["marker", "share", "body", "largest_mm", "solve"]), _odd)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    takes=st.lists(st.dictionaries(st.sampled_from(KEYS), _odd | _told | st.lists(_told)) | _odd),
    title=st.text(st.characters()),
)
def test_odd_values_never_break_the_page(tmp_path: Path, takes: list[Any], title: str) -> None:
    page = written(tmp_path, takes, title=title)
    assert len(page.all("tr")) == (len(takes) + 1 if takes else 0)


def test_numbers_beyond_all_measure(tmp_path: Path) -> None:
    row = take(
        seconds={"solve": 1e308, "write": 10**400, "upload": 2.0, "decode": float("nan")},
        frames=float("inf"),
        xpos={"largest_mm": float("nan"), "mean_mm": -1.0, "body": "x"},
        coverage=[("A", 7.0), ("B", -3), ("C", float("nan")), ("D", True), ("E", "1")],
    )
    page = written(tmp_path, [row])
    assert cell(page, "Time").text() == "2.00 s2.00 s: upload 2.00 s"
    assert "2 markers, 1 with gaps" in cell(page, "Markers seen").text()
    assert cell(page, "Markers seen").get("data-v") == "0"
    assert "Distance to xpos" not in page.all("thead")[0].text()


def poisoned(value: object) -> object:
    if isinstance(value, dict):
        return {f"{key}{HOSTILE}" if key in pictures.STAGES else key: poisoned(one)
                for key, one in value.items()}  # pyright: ignore[reportUnknownVariableType]  # fmt: skip
    if isinstance(value, list):
        return [poisoned(one) for one in value]  # pyright: ignore[reportUnknownVariableType]
    return HOSTILE if isinstance(value, str) or value is None else value


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    page = written(tmp_path, [poisoned(take())], title=HOSTILE, version=HOSTILE)
    assert [one.text() for one in page.all("script")] == [style.SCRIPT]
    assert not page.all("img")
    assert not [name for one in page.walk() for name in one.attributes if name.startswith("on")]
    assert page.all("h1")[0].text().endswith("'><img src=x onerror=alert(2)>&amp;")
    assert cell(page, "Status").text().count("<script>alert(1)") == 3
    assert page.all("svg")[-1].get("aria-label").count("<script>") > 1


@pytest.mark.parametrize(
    "name",
    [
        "javascript:alert(1)",
        "<script>alert(1)</script>".replace("/", "∕"),
        "a\"b'c &lt; #1 ?x=%20.blend",
        " two  spaces .blend",
        "左膝\u202e.blend",
        os.fsdecode(b"caf\xe9.blend"),
    ],
)
def test_hostile_files_are_linked_as_what_they_are(tmp_path: Path, name: str) -> None:
    (tmp_path / "takes").mkdir()
    (tmp_path / "takes" / name).write_bytes(b"result")
    (tmp_path / name).write_bytes(b"picture")
    page = written(tmp_path, [take(out=str(tmp_path / "takes" / name), c3d=name)])
    links = [one.get("href") for one in cell(page, "Files").all("a")]
    assert len(links) == 3
    assert all(re.fullmatch(r"\./[\w.~%/-]+", link, re.ASCII) for link in links)
    found = {os.fsencode(unquote(link, errors="surrogateescape")) for link in links}
    assert found == {os.fsencode(f"./{name}"), os.fsencode(f"./takes/{name}")}


def test_files_that_are_not_there_or_elsewhere_are_not_linked(tmp_path: Path) -> None:
    batch, other = tmp_path / "batch", tmp_path / "other"
    for folder in (batch, other):
        folder.mkdir()
        (folder / "x.blend").write_bytes(b"x")
    given = ["gone.blend", str(other / "x.blend"), "../other/x.blend", ".", "", "a/../../other"]
    given += [str(batch), "//host/share/x.blend", "https://host/x.blend", "nul\0.blend"]
    page = written(batch, [take(output_files=given, c3d="", markerset="", out="")])
    assert not cell(page, "Files").all("a")
    (batch / "report.html").unlink()
    html.write(other / "report.html", [take(out="x.blend")], title="", folder=batch)
    assert not cell(parsed(other / "report.html"), "Files").all("a")
    html.write(tmp_path / "report.html", [take(out="x.blend")], title="", folder=batch)
    above = cell(parsed(tmp_path / "report.html"), "Files").all("a")
    assert {one.get("href") for one in above} == {"./batch/x.blend"}


def test_nothing_tells_where_the_user_keeps_things(tmp_path: Path) -> None:
    batch, secret = tmp_path / "a batch", "ak_live_0123456789abcdef"
    batch.mkdir()
    (tmp_path / "linked").symlink_to(batch, target_is_directory=True)
    elsewhere = Path.home() / "Jane's takes" / "day 1" / "walk.c3d"
    said = (
        f"{batch}/in/one.c3d and {tmp_path}/linked/two.c3d are damaged; {elsewhere} too; "
        f"the service said {secret} to https://host/x?X-Amz-Signature=feed&a=b."
    )
    row = take(
        name=str(elsewhere),
        c3d=str(elsewhere),
        markerset="C:\\Users\\jane\\markers.xml",
        out=str(batch / "takes" / "walk.blend"),
        thumbnail=str(elsewhere.with_suffix(".png")),
        angles_file="..\\..\\jane\\angles.csv",
        error=said,
        warnings=[said],
        bone_map=str(elsewhere.with_suffix(".json")),
        action=secret,
        job_id=secret,
    )
    html.write(
        batch / "report.html",
        [row],
        title=f"{batch} {secret}",
        folder=tmp_path / "linked",
        version=secret,
    )
    source = unescape((batch / "report.html").read_text(encoding="utf-8"))
    for told in (str(Path.home()), str(tmp_path), "jane", "Jane", "day 1", secret, "feed"):
        assert told not in source, told
    page = parsed(batch / "report.html")
    error = cell(page, "Status").all("p")[0].text()
    assert error.startswith("in/one.c3d and two.c3d are damaged; ")
    shown = [one.text() for one in page.all("dd")]
    assert shown[:4] == ["walk.c3d", "markers.xml", "takes/walk.blend", "angles.csv"]


def test_the_page_asks_nothing_of_anyone(tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(png())
    page = written(tmp_path, [take(thumbnail="p.png", error="see https://host/a <a href=//b>")])
    for one in page.walk():
        for name in ("src", "href", "data", "action", "srcset", "xlink:href"):
            assert re.match(r"$|#take-|\./|data:image/png;base64,", one.get(name)), one
    assert not {"link", "iframe", "object", "embed", "form", "base"} & {o.tag for o in page.walk()}
    assert not re.search(r"url\(|@import|https?:", style.STYLE + style.SCRIPT)
    policy = next(one.get("content") for one in page.all("meta") if one.get("http-equiv"))
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        digest = hashlib.sha256(page.all(tag)[0].text().encode()).digest()
        assert f"{rule} 'sha256-{base64.b64encode(digest).decode()}'" in policy
    assert "default-src 'none'" in policy
    assert not [one for one in page.walk() if "style" in one.attributes]


def test_a_small_picture_is_inside_a_large_one_linked(tmp_path: Path) -> None:
    (tmp_path / "thumbs").mkdir()
    small, large = png(40, 20), png(64, 64, extra=thumbnails.LARGEST_BYTES)
    (tmp_path / "thumbs" / "a #1.png").write_bytes(small)
    (tmp_path / "thumbs" / "b.png").write_bytes(large)
    paths = [str(tmp_path / "thumbs" / "a #1.png"), "thumbs/b.png"]
    page = written(tmp_path, [take(thumbnail=path) for path in paths])
    first, second = (cell(page, "Picture", row) for row in (0, 1))
    kind, data = first.all("img")[0].get("src").split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data) == small
    assert first.all("img")[0].get("alt") == "The result of walk_001"
    assert first.all("img")[0].get("height") == "52"
    assert first.all("a")[0].get("href") == "./thumbs/a%20%231.png"
    assert second.all("img")[0].get("src") == "./thumbs/b.png"


def test_what_is_no_picture_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "batch").mkdir()
    contents = {
        "svg.png": b"<svg onload='alert(1)'>",
        "cut.png": png()[:20],
        "wide.png": png().replace(struct.pack(">II", 32, 16), struct.pack(">II", 1 << 31, 1)),
        "empty.png": b"",
        "../large.png": png(extra=thumbnails.LARGEST_BYTES),
    }
    for name, content in contents.items():
        (tmp_path / "batch" / name).write_bytes(content)
    os.mkfifo(tmp_path / "batch" / "pipe.png")
    given = [*contents, "pipe.png", "gone.png", ".", "nul\0.png", "x" * 5000]
    page = written(tmp_path / "batch", [take(thumbnail=path) for path in given])
    assert not page.all("img")
    assert {cell(page, "Picture", row).text() for row in range(len(given))} == {"not at hand"}


def test_pictures_together_stay_within_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = png(extra=1000)
    (tmp_path / "p.png").write_bytes(content)
    monkeypatch.setattr(thumbnails, "MOST_BYTES", 3 * len(content) + 1)
    page = written(tmp_path, [take(thumbnail="p.png")] * 5)
    assert [one.get("src")[:5] for one in page.all("img")] == ["data:"] * 3 + ["./p.p"] * 2


def heights(svg: Element) -> dict[int, tuple[str, int]]:
    """Of each bar, by its place: its kind and its height."""
    bars: dict[int, tuple[str, int]] = {}
    for path in svg.all("path"):
        marks = re.findall(r"M(\d+) 20v-(\d+)h2v(\d+)z", path.get("d"))
        assert "".join(f"M{x} 20v-{up}h2v{down}z" for x, up, down in marks) == path.get("d")
        for x, up, down in marks:
            assert up == down
            bars[int(x) // 3] = (path.get("class"), int(up))
    return bars


@pytest.mark.parametrize("kind", [list, dict])
def test_the_coverage_of_markers(tmp_path: Path, kind: type) -> None:
    pairs = [("A", 1.0), ("B", 0.999), ("C", 0.5), ("D", 0.1), ("E<", 0.0), ("F", 0.9)]
    page = written(tmp_path, [take(coverage=kind(pairs))])
    shown = cell(page, "Markers seen")
    svg = shown.all("svg")[0]
    assert heights(svg) == {
        0: ("good", 20), 1: ("good", 19), 2: ("some", 10),
        3: ("poor", 2), 4: ("poor", 1), 5: ("good", 18),
    }  # fmt: skip
    told = (
        "6 markers, 5 with gaps, 3 in less than 90 % of the frames; "
        "worst: E< 0 %, D 10 %, C 50 %, F 90 %, B 99 %"
    )
    assert svg.all("title")[0].text() == svg.get("aria-label") == told
    assert svg.get("role") == "img"
    assert shown.text().endswith("6 markers, worst E< 0 %")


def test_many_markers_share_bars_that_show_the_worst(tmp_path: Path) -> None:
    pairs = [[f"M{at}", 0.3 if at == 301 else 1.0] for at in range(500)]
    svg = cell(written(tmp_path, [take(coverage=pairs)]), "Markers seen").all("svg")[0]
    bars = heights(svg)
    assert len(bars) == 100
    assert {at for at, bar in bars.items() if bar != ("good", 20)} == {301 // 5}
    assert int(svg.get("width")) <= pictures.WIDEST


def test_bars_of_time_compare_takes_and_stages(tmp_path: Path) -> None:
    long, short = {"upload": 10.0, "solve": 30.0}, {"solve": 4.0, "later": 6.0}
    page = written(tmp_path, [take(seconds=long), take(seconds=short)])
    drawn = [
        [
            (one.get("class"), float(one.get("x")), float(one.get("width")))
            for one in cell(page, "Time", row).all("rect")
            if one.get("class") != "track"
        ]
        for row in (0, 1)
    ]
    assert drawn[0] == [("s0", 0.0, 30.0), ("s1", 30.0, 90.0)]
    assert drawn[1] == [("s1", 0.0, 12.0), ("s8", 12.0, 18.0)]
    label = cell(page, "Time", 1).all("svg")[0].get("aria-label")
    assert label == "10.0 s: solve 4.00 s, later 6.00 s"


def test_stages_are_those_of_the_report() -> None:
    tree = ast.parse((PACKAGE / "blender" / "report.py").read_text(encoding="utf-8"))
    values = [
        ast.literal_eval(one.value)
        for one in tree.body
        if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "STAGES"
    ]
    assert values == [pictures.STAGES]


def test_long_lists_are_cut_and_counted(tmp_path: Path) -> None:
    page = written(
        tmp_path, [take(warnings=[f"Warning {at}." for at in range(500)], error="x" * 9**6)]
    )
    status = cell(page, "Status")
    assert status.all("summary")[0].text() == "500 warnings"
    assert status.all("li")[-1].text() == "and 460 more"
    assert len(status.all("p")[0].text()) == wording.LONGEST_SENTENCE


def test_three_hundred_takes(tmp_path: Path) -> None:
    takes = [take(number, warnings=["w" * 120] * 3) for number in range(1, 301)]
    page = written(tmp_path, takes)
    assert len(rows_of(page)) == 300
    assert (tmp_path / "report.html").stat().st_size < 2_000_000


def test_tables_are_accessible(tmp_path: Path) -> None:
    page = written(tmp_path, [take(), take(2, status="failed")])
    assert page.all("html")[0].get("lang") == "en"
    assert page.all("caption")[0].text()
    assert {one.get("scope") for one in page.all("thead")[0].all("th")} == {"col"}
    for row in rows_of(page):
        assert [one.get("scope") for one in row.all("th")] == ["row"]
    for svg in page.all("svg"):
        assert svg.get("aria-hidden") == "true" or svg.get("aria-label")
    ids = [one.get("id") for one in page.walk() if "id" in one.attributes]
    assert len(ids) == len(set(ids))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_contrast(mode: str) -> None:
    light, dark = style.STYLE.split("@media screen and (prefers-color-scheme: dark)")
    colours = dict(re.findall(r"--(\w+): (#\w{6});", light))
    if mode == "dark":
        colours |= dict(re.findall(r"--(\w+): (#\w{6});", dark.split("* {")[0]))
    for text in ("text", "quiet", "link", "done", "failed", "cancelled", "other"):
        for behind in ("page", "band"):
            assert contrast(colours[text], colours[behind]) >= 4.5, (text, behind)
    stages = [f"s{at}" for at in range(len(pictures.STAGES) + 1)]
    for drawn in ("good", "some", "poor", *stages):
        assert contrast(colours[drawn], colours["page"]) >= 3.0, drawn


def test_a_new_page_replaces_the_old_one(tmp_path: Path) -> None:
    written(tmp_path, [take()], title="Old")
    assert written(tmp_path, [take(), take(2)], title="New").all("h1")[0].text() == "New"
    assert [one.name for one in tmp_path.iterdir()] == ["report.html"]
    html.write(tmp_path / "new" / "er" / "r.html", [], title="", folder=tmp_path)
    assert parsed(tmp_path / "new" / "er" / "r.html").all("h1")[0].text() == "Takes"


def test_places_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "file").write_bytes(b"")
    for page in (tmp_path / "folder.html", tmp_path / "file" / "report.html"):
        with pytest.raises(InputError, match=r"cannot be written: .+; choose another place\.$"):
            html.write(page, [take()], title="", folder=tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "folder.html"]


@contextmanager
def without_privileges() -> Iterator[None]:
    """As somebody who may not write everywhere, which root may."""
    own = os.geteuid()
    if own == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(own)


def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with without_privileges(), pytest.raises(InputError, match="cannot be written: Permission"):
        html.write(tmp_path / "report.html", [take()], title="", folder=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [errno.EACCES, errno.ENOSPC])
def test_a_page_that_cannot_be_finished_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    written(tmp_path, [], title="Old")

    def refuse(*_: object) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(InputError, match=os.strerror(error)):
        html.write(tmp_path / "report.html", [take()], title="New", folder=tmp_path)
    assert parsed(tmp_path / "report.html").all("h1")[0].text() == "Old"
    assert [one.name for one in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0.00 s"), (0.184, "0.18 s"), (9.99, "9.99 s"), (59.94, "59.9 s"),
        (59.96, "1 min 00 s"), (125.0, "2 min 05 s"),
        (3599.6, "1 h 00 min"), (3720.0, "1 h 02 min"),
    ],
)  # fmt: skip
def test_times_in_words(value: float, said: str) -> None:
    assert wording.seconds(value) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.0, "0 %"), (1e-9, "1 %"), (0.5, "50 %"), (0.9999, "99 %"), (1.0, "100 %")],
)
def test_shares_in_words(share: float, said: str) -> None:
    assert wording.percent(share) == said
