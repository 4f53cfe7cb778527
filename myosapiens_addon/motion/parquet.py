# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads `qpos.parquet` and `xpos.parquet`: generalized coordinates, and body origins.

Decoding is pyarrow's, which not every build of the extension brings; what the files claim is
checked before it sees them (`parquet_layout.py`).
"""

from __future__ import annotations

import importlib
import importlib.util
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from . import parquet_layout
from .heads import Heads

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from .motion import FloatArray
    from .parquet_layout import Layout

# Before 14.0.1 a file could make pyarrow run code.
LEAST_MAJOR_VERSION = 15
BATCH_ROWS = 8_192
THRIFT_LIMIT = 32 << 20
TIME = "time"
WORLD = "world"
AXES = ("_x", "_y", "_z")
MISSING = (
    "Parquet files are read and written by pyarrow, which is not here{why}. The parquet flavour "
    "of the extension brings it; without it use output.npz or motion.glb."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class QposOutput:
    """What `qpos.parquet` holds. F frames, N columns besides the time.

    Attributes:
        name: the file's name, for messages.
        times: (F,) s since the first frame, strictly rising.
        names: the N column names, each once, in the file's order.
        values: (F, N) float64: rad, m, and quaternions w x y z.
    """

    name: str
    times: FloatArray
    names: tuple[str, ...]
    values: FloatArray


def available() -> bool:
    """Whether pyarrow is installed; it is not imported for that."""
    return importlib.util.find_spec("pyarrow") is not None


def load(part: str) -> Any:  # noqa: ANN401
    """Import pyarrow and one of its modules, such as `parquet`.

    Raises:
        InputError: it is not installed, is too old, or does not start.
    """
    if not available():
        raise InputError(MISSING.format(why=""))
    try:
        version = str(importlib.import_module("pyarrow").__version__)
        module = importlib.import_module(f"pyarrow.{part}")
    except (ImportError, OSError, AttributeError) as error:
        raise InputError(MISSING.format(why=f" in working order ({error})")) from error
    if int(version.split(".")[0]) < LEAST_MAJOR_VERSION:
        old = f": version {version} is older than {LEAST_MAJOR_VERSION}"
        raise InputError(MISSING.format(why=old))
    return module


def read_qpos(path: Path) -> QposOutput:
    """Decode a `qpos.parquet`.

    Raises:
        InputError: pyarrow is missing.
        OutputError: the file is no table of numbers by time, or is damaged.
    """
    layout = _checked(path)
    if len(layout.columns) == 1:
        raise layout.error("has no column besides the time")
    values = _read_columns(path, layout, list(range(len(layout.columns))))
    return QposOutput(
        name=layout.name,
        times=_times(layout, values[:, 0]),
        names=layout.columns[1:],
        values=values[:, 1:],
    )


def read_xpos(path: Path) -> Heads:
    """Decode an `xpos.parquet`; the world's origin, which stands in some, is left out.

    Columns may stand in any order after the first; such as are no body's x, y or z are ignored.

    Raises:
        InputError: pyarrow is missing.
        OutputError: the file is no table of numbers by time, holds no body, or is damaged.
    """
    layout = _checked(path)
    places = {name: place for place, name in enumerate(layout.columns)}
    bodies = _bodies(layout)
    chosen = [places[body + axis] for body in bodies for axis in AXES]
    values = _read_columns(path, layout, [0, *chosen])
    return Heads(
        name=layout.name,
        times=_times(layout, values[:, 0]),
        names=bodies,
        positions=values[:, 1:].reshape(len(values), len(bodies), len(AXES)),
    )


def _checked(path: Path) -> Layout:
    layout = parquet_layout.read(path)
    if layout.columns[0] != TIME:
        raise layout.error(f"begins with the column {layout.columns[0][:60]} instead of {TIME}")
    return layout


def _bodies(layout: Layout) -> tuple[str, ...]:
    """Bodies in the order in which they first appear."""
    named = [name[:-2] for name in layout.columns[1:] if name[-2:] in AXES]
    bodies = tuple(body for body in dict.fromkeys(named) if body != WORLD)
    if not bodies:
        raise layout.error("has no columns <body>_x, <body>_y and <body>_z")
    for body in bodies:
        if named.count(body) != len(AXES):
            raise layout.error(f"lacks one of the coordinates of the body {body[:60]}")
    return bodies


def _times(layout: Layout, times: FloatArray) -> FloatArray:
    if np.any(np.diff(times) <= 0.0):
        frame = int(np.argmax(np.diff(times) <= 0.0)) + 1
        raise layout.error(f"has times that do not rise: see frame {frame}")
    return times - times[0]


def _read_columns(path: Path, layout: Layout, chosen: list[int]) -> FloatArray:
    """(F, chosen) the values of some columns, batch by batch."""
    parquet = load("parquet")
    out = np.empty((layout.rows, len(chosen)))
    at = 0
    with (
        _guarded(layout),
        parquet.ParquetFile(
            str(path),
            thrift_string_size_limit=THRIFT_LIMIT,
            thrift_container_size_limit=parquet_layout.MOST_CHUNKS,
        ) as file,
    ):
        for batch in file.iter_batches(BATCH_ROWS, use_threads=False):
            if at + batch.num_rows > layout.rows or batch.num_columns != len(layout.columns):
                raise layout.error("is damaged: it holds another table than it claims")
            for place, column in enumerate(chosen):
                values = _numbers(layout, layout.columns[column], batch.column(column))
                out[at : at + batch.num_rows, place] = values
            at += batch.num_rows
    if at != layout.rows:
        raise layout.error(f"is damaged: it holds {at:,} of {layout.rows:,} frames")
    return out


def _numbers(layout: Layout, name: str, column: Any) -> FloatArray:  # noqa: ANN401
    """A pyarrow array as float64.

    Raises:
        OutputError: it holds something else, gaps, or values that are no finite numbers.
    """
    arrow = importlib.import_module("pyarrow")
    kinds = arrow.types
    if not (kinds.is_floating(column.type) or kinds.is_integer(column.type)):
        if not kinds.is_decimal(column.type):
            raise layout.error(f"holds no plain numbers in the column {name[:60]}")
        column = column.cast(arrow.float64())
    values = np.asarray(column.to_numpy(zero_copy_only=False), np.float64)
    if column.null_count or not np.all(np.isfinite(values)):
        raise layout.error(f"has gaps or no finite numbers in the column {name[:60]}")
    return values


@contextmanager
def _guarded(layout: Layout) -> Generator[None]:
    """One sentence for whatever pyarrow has to say of a damaged file."""
    arrow = importlib.import_module("pyarrow")
    try:
        yield
    except InputError:
        raise
    except (
        arrow.ArrowException,
        OSError,
        ValueError,
        TypeError,
        LookupError,
        ArithmeticError,
        MemoryError,
        NotImplementedError,
    ) as error:
        said = " ".join(str(error).split())[:120]
        raise layout.error(f"is damaged: it cannot be decoded ({said})") from error
