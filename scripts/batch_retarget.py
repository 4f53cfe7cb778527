# SPDX-License-Identifier: GPL-3.0-or-later
"""MyoSapiens without a window.

Runs as `blender -b [FILE.blend] --python scripts/batch_retarget.py -- SUBCOMMAND …` and as
`python scripts/batch_retarget.py SUBCOMMAND …`.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent
ROOT = SCRIPTS.parent


def main() -> int:
    """Run one sub-command; returns the exit code."""
    inside_blender = "bpy" in sys.modules
    sys.path.insert(0, str(ROOT))
    if inside_blender:
        _find_wheels()
    else:
        _start_empty()
    from myosapiens_addon.blender import headless

    return headless.main(_arguments(inside_blender), program=_program(inside_blender))


def _arguments(inside_blender: bool) -> list[str]:
    if not inside_blender:
        return sys.argv[1:]
    return sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []


def _program(inside_blender: bool) -> str:
    name = "scripts/batch_retarget.py"
    return f"blender -b --python {name} --" if inside_blender else f"python {name}"


def _start_empty() -> None:
    """Blender as a Python module has nobody's startup file: begin without its default cube."""
    import bpy  # pyright: ignore[reportMissingTypeStubs]

    bpy.ops.wm.read_factory_settings(use_empty=True)  # pyright: ignore


def _find_wheels() -> None:
    """Put the extension's own wheels where Blender's Python lacks what is in them."""
    if all(importlib.util.find_spec(name) for name in ("requests", "requests_toolbelt", "tqdm")):
        return
    wheels = sorted((ROOT / "vendor" / "wheels").glob("*.whl"))
    if not wheels:
        sys.stderr.write("The wheels are missing: run `python scripts/build.py` once.\n")
        _leave(2)
    sys.path.extend(str(wheel) for wheel in wheels)


def _leave(code: int) -> None:
    """End at once: Blender's `sys.exit` handling and some destructors are not to be waited for."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    if "bpy" not in sys.modules:
        sys.path.insert(0, str(SCRIPTS))
        import _env

        _env.enter()
    _leave(main())
