# SPDX-License-Identifier: GPL-3.0-or-later
"""`report.html`: what it says and shows, and that it can be read."""

from __future__ import annotations

import ast
import base64
import re
from pathlib import Path

import pytest

from myosapiens_addon.reports import html, pictures, style, thumbnails, wording
from tests.unit.report_pages import Element, cell, png, rows_of, take, written

PACKAGE = Path(html.__file__).resolve().parents[1]


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
