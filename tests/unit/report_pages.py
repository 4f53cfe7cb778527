# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: ANN401 - a row of a report may hold anything
"""Rows as the batch hands them over, and their page as a tree."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from myosapiens_addon.reports import html, pictures, thumbnails

VOID = {"meta", "img", "br"}


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
