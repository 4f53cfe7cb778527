# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the local service: `python scripts/local_service`."""

import sys
from pathlib import Path

# In the place of this folder, so that no module in it hides one of the same name elsewhere.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

import _env  # noqa: E402 - found through the line above

if __name__ == "__main__":
    _env.enter()
    from local_service.cli import main

    sys.exit(main())
