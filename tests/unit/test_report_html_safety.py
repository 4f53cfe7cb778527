# SPDX-License-Identifier: GPL-3.0-or-later
"""`report.html`: whole, escaped, and silent about the user's machine, whatever it is given."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myosapiens_addon.errors import InputError
from myosapiens_addon.reports import html, pictures, style, thumbnails
from tests.unit.report_pages import cell, parsed, png, rows_of, take, written

HOSTILE = "</title></script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;"
KEYS = [
    "c3d", "markerset", "status", "job_id", "action", "armature", "frames", "capture_rate",
    "scene_rate", "seconds", "warnings", "error", "output_files", "bone_map",
    "direction_error_deg", "source", "xpos", "joint_angles", "meshes", "angles_file",
    "coverage", "thumbnail", "out", "name",
]  # fmt: skip


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
