# SPDX-License-Identifier: GPL-3.0-or-later
"""The repository that publishing makes: what is in it, at every moment and whatever happens."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from publishing import packages, repository, versions
from publishing.refusal import RefusalError
from tests.helpers.extension_zips import made_zip

ROOT = Path(__file__).resolve().parents[2]
ONE = """
import sys, pathlib
from publishing import repository
repository.publish(pathlib.Path(sys.argv[1]), [pathlib.Path(sys.argv[2])])
"""
HOLD = """
import sys, pathlib, time
from publishing.lock import held
with held(pathlib.Path(sys.argv[1]) / ".publish.lock", wait_s=1):
    print("held", flush=True)
    time.sleep(60)
"""
# Every way in which the publisher changes what is in a repository.
STEPS = ("rename", "replace", "unlink", "mkdir")


class Killed(BaseException):
    """The end of a process, as far as the code in it can see."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "repository"


@pytest.fixture
def publish(folder: Path, tmp_path: Path) -> Callable[..., repository.Outcome]:
    """Publish a small extension in a version."""

    def run(version: str, *, keep: int | None = None, remark: str = "") -> repository.Outcome:
        out = tmp_path / "out"
        out.mkdir(exist_ok=True)
        archive = made_zip(out / f"tiny-{version}.zip", version, remark=remark)
        return repository.publish(folder, [archive], keep=keep)

    return run


def listed(folder: Path) -> list[str]:
    """What an index lists as `id version`; every zip it names is there, as the index says."""
    data = json.loads((folder / "index.json").read_text())["data"]
    for entry in data:
        content = (folder / entry["archive_url"]).read_bytes()
        assert len(content) == entry["archive_size"]
        assert f"sha256:{hashlib.sha256(content).hexdigest()}" == entry["archive_hash"]
    return sorted(f"{entry['id']} {entry['version']}" for entry in data)


def archived(folder: Path) -> dict[str, list[str]]:
    """What each version's own index lists."""
    return {path.name: listed(path) for path in sorted((folder / "archive").glob("*"))}


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def contents(folder: Path) -> dict[str, bytes]:
    """Without times, and without the hour in the page for people."""
    found = {name: content for name, (_, content) in snapshot(folder).items()}
    return {name: content for name, content in found.items() if not name.endswith(".html")}


def test_semantic_versions_are_in_their_order() -> None:
    order = [
        "0.9.0", "0.10.0-1", "0.10.0-2", "0.10.0-10", "0.10.0-alpha", "0.10.0-alpha.1",
        "0.10.0-alpha.beta", "0.10.0-beta.2", "0.10.0-beta.11", "0.10.0-rc.1", "0.10.0",
        "0.10.1", "1.0.0", "10.0.0",
    ]  # fmt: skip
    shuffled = order.copy()
    random.Random(7).shuffle(shuffled)
    assert shuffled != order
    assert sorted(shuffled, key=versions.precedence) == order
    for bad in ("1.0", "1.0.0.dev1", "v1.0.0", "1.0.0-", "1.0.0 ", ""):
        assert not versions.is_version(bad)
        with pytest.raises(ValueError, match="no semantic version"):
            versions.precedence(bad)


def test_the_index_lists_the_newest_version_and_the_archive_all(
    publish: Callable[..., repository.Outcome], folder: Path
) -> None:
    assert publish("0.9.0").added
    assert listed(folder) == ["tiny 0.9.0"]
    publish("0.10.0")
    assert listed(folder) == ["tiny 0.10.0"]
    late = publish("0.9.1")
    assert (late.added, late.newest) == (True, "0.10.0")
    assert listed(folder) == ["tiny 0.10.0"]
    assert [path.name for path in folder.glob("*.zip")] == ["tiny-0.10.0.zip"]
    assert archived(folder) == {name: [f"tiny {name}"] for name in ("0.10.0", "0.9.0", "0.9.1")}
    page = (folder / "index.html").read_text()
    assert "tiny-0.10.0" in page
    assert "tiny-0.9" not in page


def test_as_many_versions_stay_as_wanted(
    publish: Callable[..., repository.Outcome], folder: Path
) -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        assert publish(version).removed == []
    assert publish("1.3.0", keep=2).removed == ["1.0.0", "1.1.0"]
    assert sorted(archived(folder)) == ["1.2.0", "1.3.0"]
    before = snapshot(folder)
    with pytest.raises(RefusalError, match=r"2 versions newer than 1\.1\.5"):
        publish("1.1.5", keep=2)
    assert snapshot(folder) == before
    assert publish("1.3.0", keep=1).removed == ["1.2.0"]  # nothing new, but fewer stay


def test_the_same_content_again_changes_nothing(
    publish: Callable[..., repository.Outcome], folder: Path
) -> None:
    publish("1.0.0")
    before = snapshot(folder)
    time.sleep(2.1)  # a zip's times are in steps of two seconds: the zip is another file
    again = publish("1.0.0")
    assert (again.added, again.changed) == (False, False)
    assert snapshot(folder) == before
    with pytest.raises(RefusalError, match=r"has 1\.0\.0 already, with another content"):
        publish("1.0.0", remark="another")
    publish("2.0.0")
    before = snapshot(folder)
    with pytest.raises(RefusalError, match=r"has 1\.0\.0 already, with another content"):
        publish("1.0.0", remark="another")
    assert snapshot(folder) == before


@contextmanager
def watched(folder: Path, see: Callable[[int], None]) -> Iterator[None]:
    """Call `see` with a number before each step that changes the folder, and after the last."""
    count = 0
    with pytest.MonkeyPatch.context() as patch:
        for name in STEPS:
            original = getattr(Path, name)

            def step(
                path: Path,
                *words: Any,  # noqa: ANN401
                original: Callable[..., Any] = original,
                **more: Any,  # noqa: ANN401
            ) -> Any:  # noqa: ANN401
                nonlocal count
                # Not the lock: the system gives that back when a process is gone.
                if path.is_relative_to(folder) and path.name != repository.LOCK:
                    see(count)
                    count += 1
                return original(path, *words, **more)

            patch.setattr(Path, name, step)
        yield
    see(count)


def test_it_is_whole_at_every_moment(
    publish: Callable[..., repository.Outcome], folder: Path
) -> None:
    seen: list[tuple[list[str], list[str]]] = []

    def see(_number: int) -> None:
        if (folder / "index.json").exists():
            seen.append((listed(folder), sorted(archived(folder))))

    for version, keep in (("1.0.0", None), ("1.1.0", None), ("1.2.0", 2)):
        with watched(folder, see):
            publish(version, keep=keep)
    before, after = [f"tiny {version}" for version in ("1.0.0", "1.2.0")]
    assert seen[0][0] == [before]
    assert seen[-1] == ([after], ["1.1.0", "1.2.0"])
    assert len(seen) > 15
    # A version has its own folder before seats get it.
    assert all(f"{row[0].split()[1]}" in there for row, there in seen)


def test_a_publisher_may_be_killed_at_any_step(
    publish: Callable[..., repository.Outcome], folder: Path, tmp_path: Path
) -> None:
    publish("1.0.0")
    publish("1.1.0")
    new = made_zip(tmp_path / "tiny-1.2.0.zip", "1.2.0")
    ends = (["tiny 1.1.0"], ["tiny 1.2.0"])
    seen: list[list[str]] = []
    for at in range(100):
        trial = tmp_path / f"trial-{at}"
        shutil.copytree(folder, trial)
        if not killed(trial, new, at):
            break
        seen.append(listed(trial))
        assert seen[-1] in ends
        assert "1.1.0" in archived(trial)
        repository.publish(trial, [new], keep=2)
        assert listed(trial) == ["tiny 1.2.0"]
        assert sorted(archived(trial)) == ["1.1.0", "1.2.0"]
        assert not list(trial.glob(".publish*"))
    assert [seen[0], seen[-1]] == list(ends)
    assert len(seen) > 8


def killed(folder: Path, archive: Path, at: int) -> bool:
    """Publish, and be killed before one of the steps; False when there are not so many."""

    def see(number: int) -> None:
        if number == at:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        # The hidden folder stays, as after a real kill.
        patch.setattr(repository.shutil, "rmtree", lambda *_words, **_more: None)
        try:
            with watched(folder, see):
                repository.publish(folder, [archive], keep=2)
        except Killed:
            return True
    return False


def python(code: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'scripts'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_several_publishers_wait_for_each_other(folder: Path, tmp_path: Path) -> None:
    names = ["1.0.0", "1.1.0", "1.2.0", "1.1.0"]
    archives = [made_zip(tmp_path / f"tiny-{name}.zip", name) for name in names]
    running = [python(ONE, str(folder), str(archive)) for archive in archives]
    for process in running:
        _, complained = process.communicate(timeout=60)
        assert process.returncode == 0, complained
    assert listed(folder) == ["tiny 1.2.0"]
    assert sorted(archived(folder)) == ["1.0.0", "1.1.0", "1.2.0"]
    assert not list(folder.glob(".publish*"))


def test_a_killed_publisher_locks_nobody_out(
    publish: Callable[..., repository.Outcome],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publish("1.0.0")
    with python(HOLD, str(folder)) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        monkeypatch.setattr(repository, "LOCK_WAIT_S", 0.3)
        with pytest.raises(RefusalError, match="Another publisher still works in"):
            publish("1.1.0")
        other.kill()
        other.wait(60)
        assert (folder / ".publish.lock").exists()
        assert publish("1.1.0").added


def test_others_can_read_it_whatever_the_umask(
    publish: Callable[..., repository.Outcome], folder: Path
) -> None:
    mask = os.umask(0o077)
    try:
        publish("1.0.0")
        publish("1.1.0")
    finally:
        os.umask(mask)
    for path in (folder, *folder.rglob("*")):
        wanted = 0o555 if path.is_dir() else 0o444
        assert stat.S_IMODE(path.stat().st_mode) & 0o555 == wanted, path


def test_other_extensions_in_the_folder_stay_listed(
    publish: Callable[..., repository.Outcome], folder: Path
) -> None:
    folder.mkdir()
    made_zip(folder / "other-3.0.0.zip", "3.0.0", extension="other")
    (folder / "broken.zip").write_text("no zip")
    settings = '[[blocklist]]\nid = "bad"\nreason = "It is"\n'
    (folder / "blender_repo.toml").write_text(f'schema_version = "1.0.0"\n{settings}')
    outcome = publish("1.0.0")
    assert listed(folder) == ["other 3.0.0", "tiny 1.0.0"]
    assert [remark for remark in outcome.remarks if "'broken.zip'" in remark]
    assert json.loads((folder / "index.json").read_text())["blocklist"][0]["id"] == "bad"
    assert archived(folder) == {"1.0.0": ["tiny 1.0.0"]}
    assert not publish("1.0.0").changed
    made_zip(folder / "third-1.0.0.zip", "1.0.0", extension="third")
    assert publish("1.0.0").changed
    assert listed(folder) == ["other 3.0.0", "third 1.0.0", "tiny 1.0.0"]
    assert {path.name for path in folder.iterdir()} == {
        "archive", "blender_repo.toml", "broken.zip", "index.html", "index.json",
        "other-3.0.0.zip", "third-1.0.0.zip", "tiny-1.0.0.zip",
    }  # fmt: skip


def test_a_repository_made_by_hand_is_taken_over(
    publish: Callable[..., repository.Outcome], folder: Path, tmp_path: Path
) -> None:
    folder.mkdir()
    for version in ("0.1.0", "0.2.0"):
        made_zip(folder / f"tiny-{version}.zip", version)
    publish("0.3.0")
    assert listed(folder) == ["tiny 0.3.0"]
    assert sorted(archived(folder)) == ["0.1.0", "0.2.0", "0.3.0"]
    assert [path.name for path in folder.glob("*.zip")] == ["tiny-0.3.0.zip"]
    before = snapshot(folder)
    made_zip(folder / "tiny-0.2.0.zip", "0.2.0", remark="another")
    with pytest.raises(RefusalError, match=r"is not the 0\.2\.0 that is in"):
        publish("0.4.0")
    (folder / "tiny-0.2.0.zip").unlink()
    assert snapshot(folder) == before


def test_what_was_damaged_at_the_top_is_put_right(
    publish: Callable[..., repository.Outcome], folder: Path
) -> None:
    publish("1.0.0")
    good = (folder / "tiny-1.0.0.zip").read_bytes()
    (folder / "tiny-1.0.0.zip").write_bytes(good[:200])
    outcome = publish("1.0.0")
    assert (outcome.added, outcome.changed) == (False, True)
    assert listed(folder) == ["tiny 1.0.0"]
    (folder / "index.json").write_text("{")
    assert publish("1.0.0").changed
    assert listed(folder) == ["tiny 1.0.0"]
    (folder / "archive" / "1.0.0" / "tiny-1.0.0.zip").write_bytes(good[:200])
    with pytest.raises(RefusalError, match=r"tiny-1\.0\.0\.zip cannot be read as an extension's"):
        publish("1.1.0")


@pytest.mark.parametrize(("extension", "version"), [("other", "9.0.0"), ("tiny", "2.0.0")])
def test_what_is_not_ours_in_the_archive_is_neither_offered_nor_deleted(
    extension: str, version: str, publish: Callable[..., repository.Outcome], folder: Path
) -> None:
    publish("1.0.0")
    (folder / "archive" / "9.0.0").mkdir()
    made_zip(folder / "archive" / "9.0.0" / "strange.zip", version, extension=extension)
    before = snapshot(folder)
    with pytest.raises(RefusalError, match=rf"strange\.zip is {extension} {version}, not tiny 9"):
        publish("10.0.0", keep=1)
    assert snapshot(folder) == before


def test_a_version_of_several_zips_one_per_platform(folder: Path, tmp_path: Path) -> None:
    def made(version: str, platform: str) -> Path:
        return made_zip(tmp_path / f"tiny-{version}-{platform}.zip", version, platform=platform)

    both = ("linux-x64", "windows-x64")
    repository.publish(folder, [made("1.0.0", platform) for platform in both])
    repository.publish(folder, [made("1.1.0", platform) for platform in both])
    assert listed(folder) == ["tiny 1.1.0"] * 2
    assert archived(folder)["1.0.0"] == ["tiny 1.0.0"] * 2
    assert sorted(path.name for path in folder.glob("*.zip")) == [
        f"tiny-1.1.0-{platform}.zip" for platform in both
    ]
    with pytest.raises(RefusalError, match="already, with another content"):
        repository.publish(folder, [made("1.1.0", "linux-x64")])
    for_all = made_zip(tmp_path / "tiny-1.2.0.zip", "1.2.0")
    with pytest.raises(RefusalError, match="both for one platform: an index can offer a seat only"):
        repository.publish(folder, [for_all, made("1.2.0", "linux-x64")])
    again = made("1.2.0", "linux-x64")
    with pytest.raises(RefusalError, match="both for linux-x64"):
        repository.publish(folder, [again, again])


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip at all", None])
def test_a_zip_that_is_no_extension_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "bad.zip"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RefusalError, match=r"bad\.zip cannot be read as an extension's zip"):
        packages.read(path)


def test_a_zip_with_a_version_that_is_none_is_refused(tmp_path: Path) -> None:
    path = made_zip(tmp_path / "bad.zip", "1.0")
    with pytest.raises(RefusalError, match=r"'1\.0' is no semantic version"):
        packages.read(path)
