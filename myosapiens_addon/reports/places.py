# SPDX-License-Identifier: GPL-3.0-or-later
"""Files as a page may name them: relative where they lie in the batch's folder, else the name.

Only relative addresses are linked, and only of files that are there; a page may be given away,
and no folder of the user's is in it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from ..jobs.faults import mask
from ..jobs.folders import hide_folders

# Of this system or of another one: from the root, a drive, a share, a home folder.
_ABSOLUTE = re.compile(r"[/\\~]|\.\.[/\\]|[A-Za-z]:[/\\]")
_SEPARATORS = re.compile(r"[/\\]")


def file_name(path: str) -> str:
    """The last part of a path of any system."""
    return _SEPARATORS.split(path.rstrip("/\\"))[-1]


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where things are.

    Attributes:
        folder: the batch's; what lies in it is named relative to it.
        page: the folder that the page is in.
    """

    folder: Path
    page: Path

    def shown(self, path: str) -> str:
        """A path for people to read."""
        inside = self._inside(path)
        return file_name(path) if inside is None else inside

    def link(self, path: str) -> str | None:
        """The address of a file, relative to the page; None where there can be none."""
        inside = self._inside(path)
        if inside is None or not self._page_is_near():
            return None
        file = self.folder / inside
        if not _is_file(file):
            return None
        relative = Path(os.path.relpath(file, _absolute(self.page))).as_posix()
        # The dot keeps a name with a colon from being taken for a scheme.
        return "./" + quote(os.fsencode(relative), safe="/")

    def file(self, path: str) -> Path | None:
        """The file itself, wherever it is; None where there is none."""
        if not path:
            return None
        found = self.folder / path
        return found if _is_file(found) else None

    def hidden(self, sentence: str, known: Iterable[str] = ()) -> str:
        """A sentence without keys and without folders outside of the batch's.

        Args:
            sentence: any text.
            known: paths that may be in it; these are found for certain, with their folders.
        """
        for spelt in self._in_sentences:
            sentence = spelt.sub("", sentence)
        files = [Path(path) for path in known]
        around = (_home(), *self._spellings, *(file.parent for file in files))
        return hide_folders(mask(sentence), (*files, *around))

    def _inside(self, path: str) -> str | None:
        """The path relative to the batch's folder; None where it is not in there."""
        for folder in self._spellings:
            relative = _relative(folder / path, folder)
            if relative is not None and not _looks_absolute(path, relative):
                return relative
        return None

    @cached_property
    def _spellings(self) -> tuple[Path, ...]:
        """The folder as it was given, and with its links followed."""
        given = _absolute(self.folder)
        return tuple(dict.fromkeys((given, Path(os.path.realpath(given)))))

    @cached_property
    def _in_sentences(self) -> tuple[re.Pattern[str], ...]:
        """The folder as the beginning of a path; the root itself is no folder of a batch."""
        folders = {folder for folder in self._spellings if folder != Path(folder.anchor)}
        spelt = {re.escape(text) for one in folders for text in (str(one), one.as_posix())}
        return tuple(re.compile(rf"(?<![\w/\\.]){text}[/\\]+") for text in sorted(spelt))

    def _page_is_near(self) -> bool:
        """Whether the way from the page to the folder names no folder outside of both."""
        page, folder = _absolute(self.page), _absolute(self.folder)
        return page.is_relative_to(folder) or folder.is_relative_to(page)


def _home() -> Path:
    return Path(os.path.expanduser("~"))  # noqa: PTH111 - where there is none this says so


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - without following links


def _relative(path: Path, folder: Path) -> str | None:
    plain = Path(os.path.normpath(path))
    if plain == folder or not plain.is_relative_to(folder):
        return None
    return plain.relative_to(folder).as_posix()


def _looks_absolute(path: str, relative: str) -> bool:
    """Whether it is a path of another system, which this one takes for a name."""
    return bool(_ABSOLUTE.match(relative)) and bool(_ABSOLUTE.match(path))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
