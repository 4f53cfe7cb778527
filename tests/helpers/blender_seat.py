# SPDX-License-Identifier: GPL-3.0-or-later
"""A workstation: a real Blender with a profile of its own, used through its command line."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.gui import blenders

ROOT = Path(__file__).resolve().parents[2]
OURS = ("MYOSAPIENS_", "MYOSDK_", "BLENDER_")
MARK = "found: "


def commands() -> dict[str, list[str]]:
    """How to start each real Blender, by a short name: those that were given, else the suites."""
    given = [path for path in os.environ.get("MYOSAPIENS_TEST_BLENDERS", "").split(":") if path]
    if given:
        return {Path(path).name: [path] for path in given}
    tool = [str(blenders.TOOL), "run"]
    return {suite: [*tool, suite, "--timeout", "300", "--"] for suite in blenders.SUITES}


def why_not(name: str) -> str:
    """Why this Blender cannot be used; empty when it can."""
    return blenders.why_not(name) if name in blenders.SUITES else ""


class Seat:
    """One profile; every call is a Blender of its own that reads and keeps it."""

    def __init__(self, command: list[str], profile: Path) -> None:
        self._command = command
        self.profile = profile
        profile.mkdir()

    def blender(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Start Blender with these words; standard error is in `stdout` too."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        return subprocess.run(
            [*self._command, *words],
            cwd=ROOT,
            env={**plain, "BLENDER_USER_RESOURCES": str(self.profile), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )

    def try_extension(self, *words: str) -> str:
        """What `extension …` says, online; its exit code is no help, it is 0 after failures."""
        return self.blender("--online-mode", "--command", "extension", *words).stdout

    def extension(self, *words: str, **variables: str) -> str:
        """What `extension …` says where all must go well."""
        run = self.blender("--online-mode", "--command", "extension", *words, **variables)
        assert run.returncode == 0, run.stdout
        for bad in ("FATAL_ERROR", "Traceback", "Error:", "expected to be", "should have been"):
            assert bad not in run.stdout.replace("Error: Not freed memory", ""), run.stdout
        return run.stdout

    def python(self, code: str, **variables: str) -> Any:  # noqa: ANN401
        """Run code in a Blender without a window; the value it leaves in `found`."""
        tail = f"import json; print({MARK!r} + json.dumps(found), flush=True)"
        words = ("-b", "--python-exit-code", "9", "--python-expr", f"import bpy\n{code}\n{tail}")
        run = self.blender(*words, **variables)
        assert run.returncode == 0, run.stdout
        line = next(line for line in run.stdout.splitlines() if line.startswith(MARK))
        return json.loads(line.removeprefix(MARK))

    def check(self, *words: str, **variables: str) -> dict[str, Any]:
        """What the extension's own `check` answers."""
        run = self.blender("--command", "myosapiens", "check", "--json", *words, **variables)
        row = next((line for line in run.stdout.splitlines() if line.startswith("{")), "")
        assert row, run.stdout
        return json.loads(row)

    def version(self, repository: str) -> str:
        """The version that is installed from a repository."""
        manifest = self.profile / "extensions" / repository / "myosapiens" / "blender_manifest.toml"
        rows = manifest.read_text(encoding="utf-8").splitlines()
        return next(row.split('"')[1] for row in rows if row.startswith("version"))

    def files(self) -> set[str]:
        """Every file of the profile, from its top."""
        return {
            str(path.relative_to(self.profile))
            for path in self.profile.rglob("*")
            if path.is_file()
        }
