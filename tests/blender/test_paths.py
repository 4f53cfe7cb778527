# SPDX-License-Identifier: GPL-3.0-or-later
"""Names for files that every system accepts."""

from __future__ import annotations

import pytest

from myosapiens_addon.blender import paths


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("walk 01", "walk_01"),
        ("..", "unnamed"),
        ("a/b\\c:d", "a_b_c_d"),
        ("con", "con_"),
        ("Lpt1.take", "Lpt1.take_"),
        ("com10", "com10"),
        ("console", "console"),
    ],
)
def test_a_text_becomes_a_file_name(text: str, name: str) -> None:
    assert paths.file_name(text) == name
