# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share: where the reading material is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import real_character as characters

ROOT = Path(__file__).resolve().parent.parent
WALK = ROOT.parent / "shared" / "data" / "walk"


@pytest.fixture(scope="session")
def walk() -> Path:
    """The folder of a real take with outputs and golden poses; skips where it is missing."""
    if not (WALK / "motion_nomesh.glb").is_file():
        pytest.skip(f"the real take is not at hand ({WALK})")
    return WALK


@pytest.fixture(scope="session")
def real_character() -> Path:
    """The main file of the service's own character (MJCF XML); skips where it is missing."""
    try:
        return characters.find()
    except FileNotFoundError as missing:
        pytest.skip(str(missing))
