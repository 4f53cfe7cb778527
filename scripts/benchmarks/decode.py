# SPDX-License-Identifier: GPL-3.0-or-later
"""What decoding a `motion.glb` costs: against Blender's own importer, bare numpy, and memory.

The short one is a real take; the long one has its nodes and channels, each with times of its
own, over 72,000 frames. The bare work is reading the file, and for each body one product of
rotations and one turned vector over all frames, unchecked, in the faster of two layouts.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import _env

from . import inside, long_motion
from .figure import Figure

INSIDE = Path(__file__).with_name("decode_inside.py")
# The oldest and the newest Blender: each has a numpy of its own.
ENDS = (0, -1)
FRAMES, FEWER_FRAMES = 72_000, 18_000
FASTER_THAN_IMPORT = 20.0
TIMES_BARE = 1.5
TIMES_ARRAYS = 3.0
GROWTH = 1.2


def figures(data: Path) -> list[Figure]:
    """Ratios within one run; medians."""
    short = data / "walk" / "motion_nomesh.glb"
    environments = _env.bpy_environments()
    with tempfile.TemporaryDirectory(prefix="decode-") as folder:
        long, shorter = Path(folder) / "long.glb", Path(folder) / "shorter.glb"
        long_motion.write(long, short, FRAMES)
        long_motion.write(shorter, short, FEWER_FRAMES)
        rows: list[Figure] = []
        for environment in (environments[place] for place in ENDS):
            _env.ensure(environment)
            python = environment.executable
            found = inside.run(python, INSIDE, "short", str(short))
            found |= inside.run(python, INSIDE, "long", str(long), str(shorter))
            found |= inside.run(python, INSIDE, "memory", str(long))
            rows += _of(found)
    return rows


def _of(found: dict[str, Any]) -> list[Figure]:
    where = f"Blender {found['blender']}"
    sys.stderr.write(
        f"decode: {where}: imported in {1e3 * found['imported']:.1f} ms, decoded in "
        f"{1e3 * found['decoded']:.2f} ms; {FRAMES} frames in {found['long']:.3f} s, bare in "
        + " or ".join(f"{spent:.3f} s" for spent in found["bare"].values())
        + f"; arrays of {found['arrays'] / 1e6:.0f} MB\n"
    )
    arrays = found["arrays"]
    rows = {
        "an import takes": (found["to import"], "x (more)", FASTER_THAN_IMPORT),
        f"to bare numpy, {FRAMES} frames": (found["to bare"], "x", TIMES_BARE),
        f"cost a frame, {FRAMES} to {FEWER_FRAMES} frames": (found["growth"], "x", GROWTH),
        "memory of the process": (found["process"] / arrays, "of arrays", TIMES_ARRAYS),
        "memory of Python": (found["python"] / arrays, "of arrays", TIMES_ARRAYS),
    }
    return [
        Figure(name=f"decode: {what}, {where}", value=value, unit=unit, reference=reference)
        for what, (value, unit, reference) in rows.items()
    ]
