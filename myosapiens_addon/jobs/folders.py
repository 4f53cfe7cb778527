# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the names of folders out of a text that leaves the machine; names of files stay."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath

FOLDER = "(folder)"
# Part of a path: no separator, and none of what a sentence or a system puts around paths.
_PART = r"[^\s/\\'\"<>|:;,*?()\[\]]+"
# A folder's name may hold spaces, and then a sentence that goes on with a slash looks the
# same: too much is taken out rather than too little.
_FOLDERS = rf"(?:{_PART}(?: +{_PART})*[/\\]+)*"
# An absolute path: below a folder that is hidden already, of a drive, of a share, of the home
# folder or of the root; no address, and no endpoint of the service (`/v1/…`).
_ABSOLUTE = re.compile(
    r"(?<![\w/\\:.])(?:\(folder\)[/\\]+|[A-Za-z]:[\\/]+|\\\\+|~\w*/"
    rf"|/+(?!v\d+/)(?={_PART}))"
    rf"(?P<folders>{_FOLDERS})(?P<last>{_PART})?"
)
_LEAST_PARTS = 2


def hide_folders(text: str, known: Iterable[PurePath] = ()) -> str:
    """The text with file names in the place of absolute paths.

    Args:
        text: what may hold paths.
        known: files and folders that may be in it; these are found for certain, others where
            they look like paths.
    """
    for path in sorted({*known}, key=lambda one: len(str(one)), reverse=True):
        text = _hide_known(text, path)
    return _ABSOLUTE.sub(_last_name, text)


def _hide_known(text: str, path: PurePath) -> str:
    if not path.is_absolute() or len(path.parts) < _LEAST_PARTS:
        return text
    shown = path.name if path.suffix else FOLDER
    for spelt in (str(path), path.as_posix(), str(path).replace("\\", "\\\\")):
        text = text.replace(spelt, shown)
    return text


def _last_name(found: re.Match[str]) -> str:
    """A file has an ending; what has none is taken for a folder."""
    last = (found["last"] or "").rstrip(".")
    full_stop = (found["last"] or "")[len(last) :]
    return (last if "." in last else FOLDER) + full_stop
