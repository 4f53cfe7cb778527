# SPDX-License-Identifier: GPL-3.0-or-later
"""Publishes this version in a static extension repository, for any web server or file share.

Builds and validates, then adds the version's zip to the folder with Blender's own index
(`index.json`, `index.html`). Seats get the newest version; each one that is kept has an index of
its own in `archive/<version>/`. A folder that seats read is whole at every moment.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import _env
import flavours

if TYPE_CHECKING:
    from publishing import repository

ROOT = _env.ROOT
# A build of all platforms fetches some hundred megabytes the first time.
BUILD_WAIT_S = 1800.0


def main(arguments: list[str] | None = None) -> int:
    """Publish, and say what became of it: 0 done or there already, 2 refused."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.platform and not options.with_parquet:
        parser.error("--platform goes with --with-parquet: the slim zip is for every platform")
    # The checkout's own lock file is that of the extension's jobs.
    sys.path.append(str(ROOT))
    from publishing.refusal import RefusalError

    try:
        for line in _publish(options):
            print(line)
    except RefusalError as refusal:
        print(refusal, file=sys.stderr)
        return 2
    except OSError as error:
        place = error.filename or options.repo
        print(f"{place} cannot be written: {error.strerror or error}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--repo", type=Path, required=True, metavar="DIR", help="the repository")
    parser.add_argument(
        "--keep", type=_count, metavar="N", help="the newest N versions stay (default: all)"
    )
    parser.add_argument(
        "--require-tag", action="store_true", help="refuse without a tag v<version> on this commit"
    )
    parser.add_argument(
        "--with-parquet",
        action="store_true",
        help="the zips per platform that bring pyarrow; in a repository of their own",
    )
    parser.add_argument(
        "--platform",
        action="append",
        choices=sorted(flavours.PLATFORMS),
        help="with --with-parquet: this platform only; may be given several times",
    )
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of versions; at least 1 stays")
    return int(text)


def _publish(options: argparse.Namespace) -> list[str]:
    """The sentences of a publication that went well."""
    import build
    from publishing import checkout, repository
    from publishing.lock import held
    from publishing.refusal import RefusalError

    folder = _folder(options.repo)
    version = build.manifest_version()
    (ROOT / "build").mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="publish-") as out,
        held(ROOT / "build" / ".publish.lock", wait_s=BUILD_WAIT_S),
    ):
        commit = checkout.check(ROOT, version, require_tag=options.require_tag)
        archives = _build(Path(out), options)
        if checkout.check(ROOT, version, require_tag=options.require_tag) != commit:
            raise RefusalError("Another commit was checked out during the build: try again.")
        outcome = repository.publish(folder, archives, keep=options.keep)
    for remark in outcome.remarks:
        print(remark, file=sys.stderr)
    return _sentences(folder, outcome)


def _build(out: Path, options: argparse.Namespace) -> list[Path]:
    import build
    from publishing.refusal import RefusalError

    try:
        return build.build_all(out, with_parquet=options.with_parquet, platforms=options.platform)
    except SystemExit as stopped:
        raise RefusalError(str(stopped)) from stopped
    except subprocess.CalledProcessError as failed:
        raise RefusalError("The wheels could not be fetched; pip's words are above.") from failed


def _folder(path: Path) -> Path:
    from publishing.refusal import RefusalError

    # A path of an address has lost one of its slashes.
    if path.parts and path.parts[0].lower() in {"http:", "https:", "file:"}:
        raise RefusalError(f"{path} is an address: name the folder that the server serves.")
    return path.absolute()


def _sentences(folder: Path, outcome: repository.Outcome) -> list[str]:
    name = f"MyoSapiens {outcome.version}"
    index = (folder / "index.json").as_uri()
    if outcome.added:
        said = [f"{name} is published in {folder}; its index: {index}"]
    elif outcome.changed:
        said = [f"{folder} has {name} already; what was missing beside it is there now."]
    else:
        said = [f"{folder} has {name} already, with the same content; nothing to do."]
    if outcome.newest != outcome.version:
        own = f"archive/{outcome.version}/index.json"
        said.append(f"Seats get {outcome.newest}, which is newer; {outcome.version} is at {own}")
    if outcome.removed:
        said.append(f"No longer kept: {', '.join(outcome.removed)}")
    return said


if __name__ == "__main__":
    _env.enter()
    raise SystemExit(main())
