# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a job's output files is what."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import OutputError
from . import parquet_layout

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

KINDS = {
    "motion": "motion.glb",
    "qpos": "qpos.parquet",
    "angles": "output.npz",
    "xpos": "xpos.parquet",
}
AXES = ("_x", "_y", "_z")
NAMED = 8


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """The files of one take, by what they hold; None for what is not there.

    Attributes:
        motion: world poses and meshes (`motion.glb`).
        qpos: generalized coordinates (`qpos.parquet`).
        angles: joint angles (`output.npz`).
        xpos: world positions of body origins (`xpos.parquet`).
    """

    motion: Path | None = None
    qpos: Path | None = None
    angles: Path | None = None
    xpos: Path | None = None


def sort(files: Sequence[Path]) -> Outputs:
    """Tell the files apart; MuJoCo's own `model.mjb` and what is unknown are passed over.

    Raises:
        OutputError: a file is not there, two are of one kind, or none can be used.
    """
    found: dict[str, Path] = {}
    for path in dict.fromkeys(files):
        _check(path)
        kind = _kind(path)
        if kind and kind in found:
            raise OutputError(
                f"{found[kind]} and {path} are both of the kind {KINDS[kind]}; give the outputs "
                "of one take at a time."
            )
        if kind:
            found[kind] = path
    if not found:
        more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
        names = ", ".join(path.name for path in files[:NAMED]) + more or "nothing"
        raise OutputError(
            f"There is no motion in the output ({names}); give the files that the service made: "
            f"{', '.join(KINDS.values())}."
        )
    return Outputs(**found)


def _check(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise OutputError(f"{path} is not there; fetch the job's output again.") from error
    except (OSError, ValueError) as error:  # a name that no file can have is the latter
        why = getattr(error, "strerror", None) or error
        shown = str(path) if str(path).isprintable() else ascii(str(path))
        raise OutputError(f"{shown[:200]} cannot be read: {why}.") from error
    if stat.S_ISDIR(mode):
        raise OutputError(f"{path} is a folder; give the output files in it.")
    if not stat.S_ISREG(mode):
        raise OutputError(f"{path} is no file; fetch the job's output again.")


def _kind(path: Path) -> str:
    suffix, stem = path.suffix.lower(), path.stem.lower()
    if suffix == ".glb":
        return "motion"
    if suffix == ".npz":
        return "angles"
    if suffix != ".parquet":
        return ""
    return next((kind for kind in ("qpos", "xpos") if kind in stem), "") or _by_columns(path)


def _by_columns(path: Path) -> str:
    """A table of another name: positions when all its columns are x, y or z of something.

    What does not begin with the time is none of the service's.
    """
    first, *names = parquet_layout.read(path).columns
    if first != "time":
        return ""
    return "xpos" if names and all(name.endswith(AXES) for name in names) else "qpos"
