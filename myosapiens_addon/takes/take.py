# SPDX-License-Identifier: GPL-3.0-or-later
"""The front door: a take is read by the reader of its kind, C3D or TRC, by the file's ending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import c3d, trc
from .info import TakeInfo

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float32] | npt.NDArray[np.float64]

ENDINGS = (".c3d", ".trc")
# Takes that only the service can read.
UNREAD = (".parquet",)


def is_read_here(path: Path) -> bool:
    """Whether there is a reader for files with this ending."""
    return path.suffix.lower() in ENDINGS


def read_info(path: Path) -> TakeInfo:
    """What a take is; its points are not looked at. What is no TRC by its name is read as C3D.

    Raises:
        TakeError: the file cannot be read, is none of its kind, is damaged or cut off, or has
            no points or no frames.
    """
    return trc.read_info(path) if path.suffix.lower() == ".trc" else c3d.read_info(path)


def read_coverage(path: Path, info: TakeInfo) -> FloatArray:
    """In what fraction of the frames each label is there: (labels,), 0 to 1.

    Args:
        path: the take.
        info: what `read_info` told of it.

    Raises:
        TakeError: the file cannot be read (any more), or its points cannot.
    """
    if isinstance(info, trc.TrcInfo):
        return trc.read_coverage(path, info)
    if isinstance(info, c3d.C3DInfo):
        return c3d.read_coverage(path, info)
    raise TypeError(f"{type(info).__name__} is no take that is read here")
