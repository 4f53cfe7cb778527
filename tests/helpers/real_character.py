# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the service's own character is, for those who have it; it is no part of the project."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

PACKAGE = "myo_model"
VARIABLE = "MYO_MODEL_FOLDER"


def find() -> Path:
    """The main file of its definition (MJCF XML), in the package or in what the variable names.

    Raises:
        FileNotFoundError: it is not at hand; says why.
    """
    folder = os.environ.get(VARIABLE) or _installed()
    if folder is None:
        raise FileNotFoundError(
            f"the package {PACKAGE} is not installed and {VARIABLE} names no folder"
        )
    path = Path(folder) / "myoskeleton" / "myoskeleton.xml"
    if not path.is_file():
        raise FileNotFoundError(f"the real character is not at hand ({path})")
    return path


def _installed() -> str | None:
    found = importlib.util.find_spec(PACKAGE)
    folders = found.submodule_search_locations if found is not None else None
    return next(iter(folders), None) if folders is not None else None
