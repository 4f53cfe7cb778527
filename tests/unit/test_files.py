# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are written whole or not at all, whenever Ctrl-C comes."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from myosapiens_addon import files
from myosapiens_addon.errors import InputError

BEFORE, AFTER = "before", "after"
MOST_MOMENTS = 5000


class Interrupt:
    """Raises KeyboardInterrupt once, as Ctrl-C does: at a moment between two steps of Python."""

    def __init__(self, moment: int) -> None:
        self._left = moment
        self.came = False

    def __call__(self, _frame: FrameType, _event: str, _argument: Any) -> Interrupt:  # noqa: ANN401
        self._left -= 1
        if self._left == 0:
            self.came = True
            raise KeyboardInterrupt
        return self


def interrupted_at_every_moment(work: Callable[[], object]) -> Iterator[int]:
    """Do the work again and again, each time interrupted one moment later, until it is not."""
    for moment in range(1, MOST_MOMENTS):
        interrupt = Interrupt(moment)
        before = sys.gettrace()
        sys.settrace(interrupt)
        try:
            work()
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(before)
        yield moment
        if not interrupt.came:
            return
    raise AssertionError("the work never ends")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("suffix", [files.UNFINISHED, ".blend"])
def test_interrupted_while_it_is_written(tmp_path: Path, suffix: str) -> None:
    place = tmp_path / "take.blend"
    place.write_text(BEFORE)

    def work() -> None:
        with files.replacing(place, suffix=suffix) as unfinished:
            unfinished.write_text(AFTER)

    found: list[str] = []
    for _moment in interrupted_at_every_moment(work):
        assert names(tmp_path) == ["take.blend"]
        found.append(place.read_text())
        place.write_text(BEFORE)
    # Interrupts came before it took its place, and behind that.
    assert found[0] == BEFORE
    assert found[-2:] == [AFTER, AFTER]


def test_interrupted_while_it_is_tried(tmp_path: Path) -> None:
    moments = 0
    for moment in interrupted_at_every_moment(
        lambda: files.check_writable(tmp_path / "take.blend")
    ):
        assert names(tmp_path) == []
        moments = moment
    assert moments > 20


def test_a_file_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    place = tmp_path / "report.json"
    place.write_text(BEFORE)
    with suppress(ZeroDivisionError), files.replacing(place) as unfinished:
        unfinished.write_text(AFTER)
        _ = 1 // 0
    assert names(tmp_path) == ["report.json"]
    assert place.read_text() == BEFORE


def test_folders_are_made_and_modes_are_the_users(tmp_path: Path) -> None:
    place, plain = tmp_path / "a" / "b" / "c.json", tmp_path / "plain"
    with files.replacing_for_user(place) as unfinished:
        assert unfinished.parent == place.parent
        unfinished.write_text(AFTER)
    plain.write_text(AFTER)
    assert stat.S_IMODE(place.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    assert names(place.parent) == ["c.json"]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "take.blend"
    sentence = r"take\.blend cannot be written: .+; choose another place\.$"
    with pytest.raises(InputError, match=sentence):
        files.check_writable(place)
    with pytest.raises(InputError, match=sentence), files.replacing_for_user(place):
        pass
    with pytest.raises(InputError, match="is a folder and cannot be written; name a file in it"):
        files.check_writable(tmp_path)
    assert names(tmp_path) == ["file"]


def test_names_beside_a_file_are_of_its_folder_and_never_the_same(tmp_path: Path) -> None:
    found = {files.beside(tmp_path / "take.blend", ".blend") for _ in range(100)}
    assert len(found) == 100
    assert {path.parent for path in found} == {tmp_path}
    assert all(path.name.startswith(".take-") and path.suffix == ".blend" for path in found)


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    place = tmp_path / "take.1.blend"
    left = [files.beside(place, suffix) for suffix in (".blend", ".blend@", files.UNFINISHED)]
    # Another take's, what a user named so, and the file itself.
    others = [
        files.beside(tmp_path / "take.2.blend", ".blend"),
        files.beside(tmp_path / "xtake.1.blend", ".blend"),
        files.beside(place, ".png"),
        tmp_path / ".take.1-backup.blend",
        tmp_path / ".takex1-0123456789ab.blend",
        place,
    ]
    for path in (*left, *others):
        path.touch()
    files.clear_unfinished(place)
    assert names(tmp_path) == sorted(path.name for path in others)
    files.clear_unfinished(tmp_path / "gone" / "take.blend")


def test_a_file_that_another_program_holds_is_tried_again_where_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[Path] = []
    replace = os.replace

    def held(source: Path, target: Path) -> None:
        tries.append(target)
        if len(tries) < 3:
            raise PermissionError(13, "The process cannot access the file")
        replace(source, target)

    monkeypatch.setattr(files, "REPLACE_WAIT_S", 0.0)
    monkeypatch.setattr(os, "replace", held)
    place = tmp_path / "record.json"
    with files.replacing(place, tries=3) as unfinished:
        unfinished.write_text(AFTER)
    assert len(tries) == 3
    tries.clear()
    with pytest.raises(PermissionError), files.replacing(place) as unfinished:
        unfinished.write_text(BEFORE)
    assert len(tries) == 1, "nothing waits where nobody asked for it"
    assert names(tmp_path) == ["record.json"]
    assert place.read_text() == AFTER
