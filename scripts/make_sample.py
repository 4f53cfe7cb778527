# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the sample take (`scripts/sample/walk.c3d`) and its markerset again."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _env


def main() -> int:
    """Write both files and say where."""
    _env.enter()
    from sample import make  # needs the environment

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=make.FOLDER, metavar="DIR")
    folder: Path = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    for path in make.write_all(folder):
        print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
