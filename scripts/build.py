# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the extension's zip: stage, fill in the wheels, build and validate with Blender's tool.

The staged folder `build/myosapiens/` is also what tests and development link into Blender.
Two builds of one commit are byte-identical.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import _env
import flavours

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = _env.ROOT
LOCK = ROOT / "vendor" / "requirements.lock"
WHEELS = ROOT / "vendor" / "wheels"
STAGE = ROOT / "build" / "myosapiens"
MANIFEST = ROOT / "blender_manifest.toml"
# The earliest time a zip can hold, for a source tree without a commit.
EARLIEST_EPOCH_S = 315_532_800


def main(arguments: list[str] | None = None) -> int:
    """Build the zip and say where it is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder for the zip")
    parser.add_argument(
        "--with-parquet",
        action="store_true",
        help="a zip per platform that brings pyarrow, for qpos.parquet and xpos.parquet",
    )
    parser.add_argument(
        "--platform",
        action="append",
        choices=sorted(flavours.PLATFORMS),
        help="with --with-parquet: this platform only; may be given several times",
    )
    options = parser.parse_args(arguments)
    if options.platform and not options.with_parquet:
        parser.error("--platform goes with --with-parquet: the slim zip is for every platform")
    for archive in build_all(
        options.out, with_parquet=options.with_parquet, platforms=options.platform
    ):
        print(archive)
    return 0


def build_all(
    out: Path, *, with_parquet: bool = False, platforms: Sequence[str] | None = None
) -> list[Path]:
    """The zip of the slim flavour, or those of the parquet flavour."""
    if not with_parquet:
        return [build(out)]
    return [_build_for(out, platform) for platform in platforms or flavours.PLATFORMS]


def _build_for(out: Path, platform: str) -> Path:
    """The parquet flavour for one platform."""
    folder = STAGE.with_name(f"{STAGE.name}-{platform}")
    with _env.alone(folder):
        stage(folder, platform)
        return _pack(folder, out / f"myosapiens-{manifest_version()}-{platform}.zip")


def build(out: Path) -> Path:
    """Stage, build and validate the slim flavour; returns the zip."""
    with _env.alone(STAGE):
        return _pack(stage(), out / f"myosapiens-{manifest_version()}.zip")


def _pack(folder: Path, archive: Path) -> Path:
    archive.parent.mkdir(parents=True, exist_ok=True)
    blender_tool("build", "--source-dir", str(folder), "--output-filepath", str(archive))
    _make_reproducible(archive)
    blender_tool("validate", str(archive))
    return archive


def manifest_version() -> str:
    """The extension's version number; the manifest is its one place."""
    return tomllib.loads(MANIFEST.read_text())["version"]


def stage(folder: Path = STAGE, platform: str = "") -> Path:
    """Make `build/myosapiens/`: the package, the manifest with its wheels, the wheels.

    Args:
        folder: where.
        platform: Blender's name of the platform whose parquet flavour it is; empty for the
            slim flavour, which is for all.
    """
    wheels = [*fetch_wheels(), *(flavours.fetch(platform) if platform else [])]
    if folder.exists():
        shutil.rmtree(folder)
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
    shutil.copytree(ROOT / "myosapiens_addon", folder, ignore=ignored)
    (folder / "wheels").mkdir()
    for wheel in wheels:
        shutil.copy(wheel, folder / "wheels")
    shutil.copy(ROOT / "LICENSE", folder)
    (folder / MANIFEST.name).write_text(_manifest_with(wheels, platform))
    return folder


def fetch_wheels() -> list[Path]:
    """The wheels of the lock in `vendor/wheels/`, each with the hash the lock gives."""
    with _env.alone(WHEELS):
        return _fetch_wheels()


def _fetch_wheels() -> list[Path]:
    wanted = _locked_hashes()
    if {_sha256(path) for path in WHEELS.glob("*.whl")} != wanted:
        shutil.rmtree(WHEELS, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
        pure = ["--only-binary", ":all:", "--platform", "any", "--implementation", "py"]
        rest = ["--abi", "none", "--no-deps", "--require-hashes", "-r", str(LOCK)]
        subprocess.run([*pip, *pure, *rest, "-d", str(WHEELS)], check=True)
    found = sorted(WHEELS.glob("*.whl"))
    if {_sha256(path) for path in found} != wanted:
        raise SystemExit(f"The wheels in {WHEELS} are not those of {LOCK.name}; remove them.")
    impure = [path.name for path in found if not path.name.endswith("-none-any.whl")]
    if impure:
        raise SystemExit(f"{', '.join(impure)}: the extension ships pure Python wheels only.")
    return found


def _locked_hashes() -> set[str]:
    lines = LOCK.read_text().splitlines()
    return {line.rpartition("sha256:")[2].strip() for line in lines if "--hash=sha256:" in line}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _manifest_with(wheels: list[Path], platform: str) -> str:
    """The manifest's text with platform and wheels, which must stand above its tables."""
    text = MANIFEST.read_text()
    head, table, tail = text.partition("[permissions]")
    if not table:
        raise SystemExit(f"{MANIFEST.name} has no [permissions]; the wheels go before it.")
    rows = "".join(f'  "./wheels/{wheel.name}",\n' for wheel in wheels)
    only = f'platforms = ["{platform}"]\n' if platform else ""
    return f"{head}{only}wheels = [\n{rows}]\n\n{table}{tail}"


def _make_reproducible(archive: Path) -> None:
    """Rewrite the zip with its files in order, of one time and one mode.

    Blender's tool takes the files as the disk lists them, with the times they happen to have.
    """
    moment = time.gmtime(commit_time())[:6]
    temporary = archive.with_suffix(".tmp")
    with zipfile.ZipFile(archive) as made, zipfile.ZipFile(temporary, "w") as rewritten:
        for name in sorted(made.namelist()):
            entry = zipfile.ZipInfo(name, moment)
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            rewritten.writestr(entry, made.read(name))
    temporary.replace(archive)


def commit_time() -> int:
    """Seconds since the epoch that the files of this build carry."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return int(os.environ["SOURCE_DATE_EPOCH"])
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        answer = ""
    return int(answer) if answer.strip() else EARLIEST_EPOCH_S


def blender_tool(*arguments: str) -> str:
    """Run the extension tool that comes with Blender (here out of the bpy wheel); its words."""
    spec = importlib.util.find_spec("bpy")
    folder = Path((spec.origin if spec else None) or ".").parent
    tools = sorted(folder.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
    if not tools:
        raise SystemExit("Blender's extension tool was not found in the bpy wheel.")
    command = [sys.executable, str(tools[0]), *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise SystemExit(f"{run.stdout}{run.stderr}Blender's tool refused: {arguments[0]}.")
    return run.stdout + run.stderr


if __name__ == "__main__":
    _env.enter()
    raise SystemExit(main())
