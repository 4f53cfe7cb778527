# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job from end to end, on this machine alone.

Starts the local service, sends a take through its API, puts the result on an armature and
leaves `result.blend`, `report.json` and `preview.png`.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import _env
from demo_rig import RIGS

ROOT = _env.ROOT
SAMPLE = ROOT / "scripts" / "sample"
READY = "listening on "


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; returns the exit code of the job."""
    options = _options(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    key = f"ak_local_{secrets.token_hex(16)}"
    environment = {**os.environ, "MYOSAPIENS_API_KEY": key}
    with local_service(options.out / "service", key) as base_url:
        print(f"The local service runs at {base_url}; sending {options.c3d.name} …", flush=True)
        code = subprocess.run(_job(options, base_url), env=environment, check=False).returncode
    if code == 0:
        _say_where(options.out)
    return code


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--c3d", type=Path, default=SAMPLE / "walk.c3d", metavar="FILE")
    parser.add_argument("--markerset", type=Path, default=SAMPLE / "markerset.xml", metavar="FILE")
    parser.add_argument(
        "--rig",
        choices=("character", *RIGS),
        default="character",
        help="what takes the motion: the service's own character (default), or another rig",
    )
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "demo", metavar="DIR")
    options = parser.parse_args(arguments)
    options.out = options.out.resolve()
    return options


@contextmanager
def local_service(data: Path, key: str, *more: str) -> Generator[str]:
    """A local service on a free port with this key, and more options; yields its address."""
    command = [sys.executable, str(ROOT / "scripts" / "local_service"), "--port", "0"]
    command += ["--data", str(data), "--api-key", key, *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        try:
            line = service.stdout.readline() if service.stdout else ""
            if not line.startswith(READY):
                raise SystemExit("The local service did not start; its words are above.")
            yield line.removeprefix(READY).strip()
        finally:
            service.terminate()


def _job(options: argparse.Namespace, base_url: str) -> list[str]:
    scripts = ROOT / "scripts"
    if options.rig == "character":
        command = [sys.executable, str(scripts / "batch_retarget.py"), "retarget", "--new-armature"]
    else:
        command = [sys.executable, str(scripts / "demo_rig.py"), options.rig, "retarget"]
    command += ["--base-url", base_url, "--c3d", str(options.c3d)]
    command += ["--markerset", str(options.markerset), "--set-range"]
    command += ["--out", str(options.out / "result.blend")]
    command += ["--report", str(options.out / "report.json")]
    return [*command, "--preview", str(options.out / "preview.png")]


def _say_where(out: Path) -> None:
    take = json.loads((out / "report.json").read_text())["takes"][0]
    spent = ", ".join(f"{stage} {value:.2f} s" for stage, value in take["seconds"].items())
    print(f"{take['frames']} keyed moments on the armature {take['armature']!r} ({spent})")
    for name in ("result.blend", "report.json", "preview.png"):
        print(f"  {out / name}")


if __name__ == "__main__":
    _env.enter()
    raise SystemExit(main())
