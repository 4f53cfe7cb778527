# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what the project claims, side by side with a reference."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from pathlib import Path

import _env

ROOT = _env.ROOT
NAMES = (
    "exactness",
    "solve",
    "decode",
    "retarget",
    "accuracy",
    "contacts",
    "mapping",
    "enable",
    "responsiveness",
    "batch",
)
NEED_DATA = ("exactness", "solve", "decode", "retarget", "accuracy", "contacts")


def main(arguments: list[str] | None = None) -> int:
    """Run the named benchmarks, print a table, and keep the figures where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default: {' '.join(NAMES)}")
    parser.add_argument("--json", type=Path, metavar="F", help="also write the figures here")
    parser.add_argument(
        "--data",
        type=Path,
        default=ROOT.parent / "shared" / "data",
        help=f"a folder with walk/, for {' and '.join(NEED_DATA)}",
    )
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; choose from {', '.join(NAMES)}")
    names = options.names or NAMES
    if set(names) & set(NEED_DATA) and not (options.data / "walk").is_dir():
        parser.error(f"the real take is not in {options.data / 'walk'}; name it with --data")
    # Figures are of one core, however many the machine has; set before numpy is imported.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    # The benchmarks use the tests' helpers too.
    sys.path.append(str(ROOT))
    figures = [
        figure
        for name in names
        for figure in importlib.import_module(f"benchmarks.{name}").figures(options.data)
    ]
    for figure in figures:
        print(
            f"{figure.name:58} {figure.value:11.6g} {figure.unit:9} "
            f"reference {figure.reference:<7g} ratio {figure.ratio:.4g}"
        )
    if options.json is not None:
        rows = [figure.as_dict() for figure in figures]
        options.json.write_text(json.dumps(rows, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    _env.enter()
    raise SystemExit(main())
