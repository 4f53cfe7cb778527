# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what would be published can be found again in the project's history."""

from __future__ import annotations

import subprocess
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from publishing import versions
from publishing.refusal import RefusalError

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = "myosapiens_addon"
IGNORED = "!!"


def check(root: Path, version: str, *, require_tag: bool) -> str:
    """The commit that is checked out.

    Args:
        root: the project's top level.
        version: the one that would be published; its tag is `v<version>`.
        require_tag: whether that tag must be there.

    Raises:
        RefusalError: no git checkout, changes that are not committed, a tag elsewhere or missing,
            or one of another version here.
    """
    commit = _head(root)
    _refuse_changes(root)
    _check_tag(root, f"v{version}", commit, require_tag=require_tag)
    return commit


def _head(root: Path) -> str:
    try:
        top = _git(root, "rev-parse", "--show-toplevel")
        head = _git(root, "rev-parse", "--verify", "HEAD^{commit}")
    except OSError as error:
        raise RefusalError(f"git cannot be run ({error.strerror}): install it.") from error
    if head.returncode != 0 or not root.samefile(top.stdout.strip()):
        words = (top.stderr or head.stderr).strip().splitlines()
        reason = f" ({words[0]})" if words else ""
        raise RefusalError(
            f"{root} is no git checkout with a commit{reason}: publish from one, so that what is "
            "published can be found again."
        )
    return head.stdout.strip()


def _refuse_changes(root: Path) -> None:
    found = _git(root, "status", "--porcelain", "--untracked-files=normal", "--ignored")
    rows = [row for row in found.stdout.splitlines() if row[:2] != IGNORED or _is_built(row[3:])]
    if found.returncode != 0 or rows:
        first = rows[0].strip() if rows else found.stderr.strip()
        others = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
        raise RefusalError(
            f"The checkout has changes that are in no commit ({first}{others}): commit them, or "
            "put them away, so that what is published can be found again."
        )


def _is_built(name: str) -> bool:
    """Whether a file that git ignores goes into the zip all the same: an editor's copy, say."""
    path = PurePosixPath(name.strip('"'))
    hidden = any(part.startswith(".") or part == "__pycache__" for part in path.parts)
    return path.parts[0] == PACKAGE and path.suffix != ".pyc" and not hidden


def _check_tag(root: Path, tag: str, commit: str, *, require_tag: bool) -> None:
    found = _git(root, "rev-parse", "--verify", "--quiet", f"refs/tags/{tag}^{{commit}}")
    tagged = found.stdout.strip()
    if not tagged and require_tag:
        raise RefusalError(f"There is no tag {tag}: make it on this commit (git tag {tag}).")
    if tagged and tagged != commit:
        raise RefusalError(
            f"Tag {tag} is on {tagged[:10]}, and {commit[:10]} is checked out: raise the version "
            f"in blender_manifest.toml, or check out {tag}."
        )
    others = [] if tagged else _version_tags(root)
    if others:
        raise RefusalError(
            f"This commit has the tag {others[0]}, and blender_manifest.toml says {tag[1:]}: put "
            "the version there right, or the tag."
        )


def _version_tags(root: Path) -> list[str]:
    """The tags of the commit that is checked out which name a version."""
    found = _git(root, "tag", "--points-at", "HEAD").stdout.splitlines()
    return [name for name in found if name[:1] == "v" and versions.is_version(name[1:])]


def _git(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "-C", str(root), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)
