# SPDX-License-Identifier: GPL-3.0-or-later
"""Data goes down the way studio → takes → service → jobs → motion → retarget → blender."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "myosapiens_addon"
WAY = ("studio", "takes", "service", "jobs", "motion", "retarget", "reports", "blender")
# motion/ needs none of those above it; only blender/ knows of a studio's settings.
MAY_IMPORT = {layer: set(WAY[1:index]) for index, layer in enumerate(WAY)} | {
    "motion": set(),
    "blender": set(WAY[:-1]),
}
BLENDER_MODULES = {"bpy", "mathutils", "bpy_extras", "bl_ui", "gpu", "blf", "idprop", "addon_utils"}
CORE_FILES = [
    p for p in sorted(PACKAGE.rglob("*.py")) if "blender" not in p.parts[len(PACKAGE.parts) :]
]


def imported_modules(path: Path) -> set[str]:
    """Absolute dotted names of all that a file imports, wherever in the file it does."""
    found: set[str] = set()
    package = path.relative_to(PACKAGE.parent).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            start = ".".join((*base, *((node.module,) if node.module else ())))
            found.add(start)
            found.update(f"{start}.{alias.name}" for alias in node.names)
    return found


@pytest.mark.parametrize("path", CORE_FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_core_knows_nothing_of_blender(path: Path) -> None:
    tops = {name.split(".")[0] for name in imported_modules(path)}
    assert not tops & BLENDER_MODULES


@pytest.mark.parametrize("layer", WAY)
def test_a_layer_imports_only_from_those_above(layer: str) -> None:
    for path in (PACKAGE / layer).rglob("*.py"):
        names = [name.split(".") for name in imported_modules(path)]
        used = {name[1] for name in names if name[0] == PACKAGE.name and len(name) > 1}
        assert used & set(WAY) <= MAY_IMPORT[layer] | {layer}, path


def test_every_core_module_imports_where_blender_is_missing() -> None:
    modules = [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in CORE_FILES
    ]
    code = (
        "import sys, importlib\n"
        f"for name in {sorted(BLENDER_MODULES)!r}: sys.modules[name] = None\n"
        f"for name in {modules!r}: importlib.import_module(name.removesuffix('.__init__'))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, myosapiens_addon; "
        "print([m for m in ('numpy', 'requests', 'bpy') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_the_package_imports_itself_relatively() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            else:
                continue
            assert not any(name.split(".")[0] == PACKAGE.name for name in names), path


def test_no_operator_is_called_under_an_override() -> None:
    # Up to Blender 5.0 that crashes when a thread runs meanwhile, and ours do.
    for path in PACKAGE.rglob("*.py"):
        attributes = {
            node.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute)
        }
        assert "temp_override" not in attributes, path
