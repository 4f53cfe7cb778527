# SPDX-License-Identifier: GPL-3.0-or-later
"""The characters a take can be solved on."""
# MuJoCo's specs and the vendor's package come without types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from .errors import SolveError
from .skeleton import load_spec

PACKAGE = "myo_model"


def spec_factory(character: str) -> Callable[[], Any]:
    """A function that loads a fresh, unscaled `mujoco.MjSpec` of a character.

    Raises:
        SolveError: `character_unavailable`, for a character that is unknown or not installed.
    """
    if character == "local":
        return load_spec
    if character != "myoskeleton":
        raise SolveError("character_unavailable", f"There is no character '{character}'.")
    path = _myoskeleton_path()
    return partial(mujoco.MjSpec.from_file, str(path))


def _myoskeleton_path() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    folders = list(found.submodule_search_locations or []) if found else []
    models = [p for folder in folders for p in sorted(Path(folder).rglob("*myoskeleton*.xml"))]
    for path in models:
        if _is_whole(path):
            return path
    raise SolveError(
        "character_unavailable",
        f"The MyoSkeleton needs the package {PACKAGE} with its model, which is not installed here; "
        "start the service with the local character.",
    )


def _is_whole(path: Path) -> bool:
    """Whether a file is a whole character on one free root (a package also holds parts)."""
    try:
        model = mujoco.MjSpec.from_file(str(path)).compile()
    except ValueError:
        return False
    kinds = np.asarray(model.jnt_type)
    return int((kinds == mujoco.mjtJoint.mjJNT_FREE).sum()) == 1
