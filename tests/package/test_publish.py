# SPDX-License-Identifier: GPL-3.0-or-later
"""A published repository: the command that makes it, and seats in real Blenders that use it."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from publishing import repository
from tests.helpers import blender_seat
from tests.helpers.blender_seat import Seat
from tests.helpers.checkouts import Checkout, raised
from tests.helpers.extension_zips import made_zip
from tests.helpers.repository_server import RepositoryServer, serving
from tests.service.harness import RunningService, launch

ROOT = Path(__file__).resolve().parents[2]
NAME = "bl_ext.studio.myosapiens"
KEY = "ak_local_of_a_seat_0123456789"
TOKEN = "token-of-the-studio"
CLOSED = "http://127.0.0.1:9"
# What Blender itself keeps of a repository and of the folder for wheels.
OF_BLENDER = {
    "config/userpref.blend",
    "extensions/.cache/compat.dat",
    "extensions/studio/.blender_ext/index.json",
}
SET = """
kept = bpy.context.preferences.addons[{name!r}].preferences
kept.parallel_jobs, kept.api_key, kept.base_url = 7, {key!r}, {base_url!r}
bpy.ops.wm.save_userpref()
found = bpy.utils.extension_path_user({name!r}, path="jobs", create=True)
"""
READ = f"""
kept = bpy.context.preferences.addons[{NAME!r}].preferences
found = [kept.parallel_jobs, kept.api_key, kept.base_url]
"""
DISABLE = f"""
bpy.ops.preferences.addon_disable(module={NAME!r})
bpy.ops.wm.save_userpref()
found = {NAME!r} in bpy.context.preferences.addons
"""


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The version as it is."""
    return Checkout(tmp_path_factory.mktemp("old") / "checkout")


@pytest.fixture(scope="module")
def new(old: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The version after it."""
    return Checkout(tmp_path_factory.mktemp("new") / "checkout", raised(old.version))


@pytest.fixture
def folder(old: Checkout, tmp_path: Path) -> Path:
    """A repository that has the old version."""
    folder = tmp_path / "repository"
    published(old, folder)
    return folder


@pytest.fixture(scope="session", params=blender_seat.commands())
def command(request: pytest.FixtureRequest) -> list[str]:
    """How to start a real Blender; looked for before anything is built for it."""
    reason = blender_seat.why_not(request.param)
    if reason:
        pytest.skip(reason)
    return blender_seat.commands()[request.param]


@pytest.fixture
def seat(command: list[str], tmp_path: Path) -> Seat:
    return Seat(command, tmp_path / "profile")


@pytest.fixture
def server(folder: Path) -> Iterator[RepositoryServer]:
    with serving(folder) as running:
        yield running


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    running = launch(tmp_path_factory.mktemp("service") / "data", api_key=KEY)
    yield running
    running.stop()


def published(checkout: Checkout, folder: Path, *words: str) -> str:
    code, said, complained = checkout.publish("--repo", str(folder), *words)
    assert (code, complained) == (0, "")
    return said


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file with the time it was changed."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_version_is_published_once(old: Checkout, new: Checkout, tmp_path: Path) -> None:
    folder = tmp_path / "made" / "repository"
    index = (folder / "index.json").as_uri()
    said = published(old, folder)
    assert said == f"MyoSapiens {old.version} is published in {folder}; its index: {index}\n"
    before = snapshot(folder)
    assert "nothing to do" in published(old, folder)
    assert snapshot(folder) == before

    published(new, folder)
    assert [path.name for path in folder.glob("*.zip")] == [f"myosapiens-{new.version}.zip"]
    for version in (old.version, new.version):
        listing = json.loads((folder / "archive" / version / "index.json").read_text())
        assert [entry["version"] for entry in listing["data"]] == [version]
    assert f"myosapiens-{new.version}" in (folder / "index.html").read_text()
    assert not [path for path in folder.rglob(".*") if path.name != ".publish.lock"]

    said = published(new, folder, "--keep", "1")
    assert said.endswith(f"No longer kept: {old.version}\n")
    assert [path.name for path in (folder / "archive").iterdir()] == [new.version]


def test_what_is_refused(old: Checkout, folder: Path, tmp_path: Path) -> None:
    mine = Checkout(tmp_path / "checkout")
    before = snapshot(folder)

    def refusal(*words: str, repo: Path | str = folder) -> str:
        code, said, complained = mine.publish("--repo", str(repo), *words)
        assert (code, said, complained.count("\n")) == (2, "", 1), complained
        assert snapshot(folder) == before
        return complained

    assert f"no tag v{mine.version}" in refusal("--require-tag")
    (mine.folder / "note.txt").write_text("not committed")
    assert "in no commit (?? note.txt)" in refusal()
    mine.commit()
    assert "nothing to do" in published(mine, folder)  # no part of the extension
    ignored = mine.folder / "myosapiens_addon" / "old.blend1"
    ignored.write_text("ignored by git, and yet in the zip")
    assert "in no commit (!! myosapiens_addon/old.blend1)" in refusal()
    ignored.unlink()
    mine.git("tag", f"v{mine.version}")
    mine.git("commit", "-q", "--allow-empty", "-m", "Later")
    assert f"Tag v{mine.version} is on" in refusal()
    mine.git("tag", "--delete", f"v{mine.version}")
    mine.git("tag", f"v{raised(mine.version)}")
    assert f"has the tag v{raised(mine.version)}, and blender_manifest.toml says" in refusal()
    mine.git("tag", f"v{mine.version}", "-m", "annotated", "-a")
    assert "nothing to do" in published(mine, folder, "--require-tag")
    mine.git("tag", "--delete", f"v{mine.version}")
    with (mine.folder / "myosapiens_addon" / "errors.py").open("a") as sink:
        sink.write("# changed\n")
    mine.commit()
    assert f"has {mine.version} already, with another content" in refusal()
    assert "is an address" in refusal(repo="https://extensions.example/blender")
    assert "is no folder" in refusal(repo=mine.folder / "LICENSE")
    shutil.rmtree(mine.folder / ".git")
    assert "is no git checkout" in refusal()


def test_the_whole_life_of_an_installation(
    seat: Seat, server: RepositoryServer, folder: Path, new: Checkout, service: RunningService
) -> None:
    live(seat, server.index_url, folder=folder, new=new, service=service)
    assert not server.answered(404)
    assert f"/myosapiens-{new.version}.zip" in server.answered(200)


def test_the_same_from_a_file_share(
    seat: Seat, folder: Path, new: Checkout, service: RunningService
) -> None:
    live(seat, (folder / "index.json").as_uri(), folder=folder, new=new, service=service)


def live(seat: Seat, url: str, *, folder: Path, new: Checkout, service: RunningService) -> None:
    """Add the repository, sync, install, enable, use, update, disable, remove."""
    seat.extension("repo-add", "--clear-all", "--url", url, "studio")
    assert 'Extensions list for "User Repository" updated' in seat.extension("sync")
    assert 'Installed "myosapiens"' in seat.extension("install", "--enable", "studio.myosapiens")
    before = seat.version("studio")
    journal = Path(seat.python(SET.format(name=NAME, key=KEY, base_url=service.base_url)))
    assert seat.check()["ready_characters"] == 1
    (journal / "note.json").write_text("{}")

    published(new, folder)
    assert 'Reinstalled "myosapiens"' in seat.extension("update", "--sync")
    assert raised(before) == seat.version("studio") == new.version
    assert seat.python(READ) == [7, KEY, service.base_url]
    assert seat.check()["ready_characters"] == 1
    assert (journal / "note.json").exists()

    assert KEY.encode() in (seat.profile / "config" / "userpref.blend").read_bytes()
    assert seat.python(DISABLE) is False
    run = seat.blender("--command", "myosapiens", "check")
    assert run.returncode != 0
    assert "Unrecognized command" in run.stdout
    assert 'Removed "myosapiens"' in seat.extension("remove", "studio.myosapiens")
    assert seat.files() == OF_BLENDER
    assert KEY.encode() not in (seat.profile / "config" / "userpref.blend").read_bytes()


def test_a_repository_that_asks_for_a_token(
    seat: Seat, server: RepositoryServer, folder: Path
) -> None:
    server.token = TOKEN
    add = ("repo-add", "--clear-all", "--url", server.index_url, "--access-token")
    seat.extension(*add, "another", "studio")
    said = seat.try_extension("sync")
    assert "FATAL_ERROR" in said
    assert "401" in said
    assert server.requests
    assert server.answered(401) == ["/index.json"] * len(server.requests)

    server.requests.clear()
    seat.extension(*add, TOKEN, "studio")
    seat.extension("install", "--sync", "--enable", "studio.myosapiens")
    zips = [path for path in server.answered(200) if path.endswith(".zip")]
    assert len(zips) == 1
    assert {request.status for request in server.requests} == {200}
    assert {request.authorization for request in server.requests} == {f"Bearer {TOKEN}"}
    assert TOKEN not in seat.extension("repo-list")


def test_a_seat_that_stays_on_a_version(
    seat: Seat, server: RepositoryServer, folder: Path, old: Checkout, new: Checkout
) -> None:
    published(new, folder)
    url = f"{server.address}/archive/{old.version}/index.json"
    seat.extension("repo-add", "--clear-all", "--url", url, "studio")
    seat.extension("install", "--sync", "--enable", "studio.myosapiens")
    assert seat.version("studio") == old.version
    assert "nstalled" not in seat.extension("update", "--sync")
    assert seat.version("studio") == old.version


def test_a_seat_that_looked_before_a_version_came(
    seat: Seat, server: RepositoryServer, folder: Path, new: Checkout
) -> None:
    seat.extension("repo-add", "--clear-all", "--url", server.index_url, "studio")
    seat.extension("sync")
    published(new, folder)
    assert "404" in seat.try_extension("install", "--enable", "studio.myosapiens")
    seat.extension("install", "--sync", "--enable", "studio.myosapiens")
    assert seat.version("studio") == new.version


def test_a_seat_gets_the_zip_of_its_platform(seat: Seat, tmp_path: Path) -> None:
    platforms = ("linux-x64", "linux-arm64", "macos-arm64", "windows-x64")
    zips = [
        made_zip(tmp_path / f"tiny-1.0.0-{platform}.zip", "1.0.0", platform=platform)
        for platform in platforms
    ]
    repository.publish(tmp_path / "tiny", zips)
    with serving(tmp_path / "tiny") as server:
        seat.extension("repo-add", "--clear-all", "--url", server.index_url, "studio")
        seat.extension("install", "--sync", "--enable", "studio.tiny")
        asked = parse_qs(server.requests[0].query)["platform"][0]
        wanted = [path for path in server.answered(200) if path.endswith(".zip")]
    assert wanted == [f"/tiny-1.0.0-{asked}.zip"]


def test_the_repository_for_every_seat_by_a_startup_script(
    seat: Seat, server: RepositoryServer, tmp_path: Path
) -> None:
    code = document_code("studio_repository.py")
    scripts = tmp_path / "scripts"
    (scripts / "startup").mkdir(parents=True)
    address = "https://extensions.studio.example/myosapiens/index.json"
    assert address in code
    (scripts / "startup" / "studio_repository.py").write_text(
        code.replace(address, server.index_url)
    )
    server.token = TOKEN
    # Without the public repository, which another network may reach.
    seat.extension("repo-add", "--clear-all", "none")
    variables = {"BLENDER_SYSTEM_SCRIPTS": str(scripts), "MYOSAPIENS_REPOSITORY_TOKEN": TOKEN}
    seat.extension("install", "--sync", "--enable", "studio.myosapiens", **variables)
    listed = seat.extension("repo-list", **variables)
    assert listed.count(server.index_url) == 1  # however often Blender starts
    assert seat.check("--base-url", CLOSED)["exit_code"] == 3  # no key: the extension answers


def document_code(name: str) -> str:
    """The code block of the studio guide that begins with a comment naming the file."""
    text = (ROOT / "docs" / "studio.md").read_text(encoding="utf-8")
    block = re.search(rf"```python\n(# \S*{re.escape(name)}\n.*?)```", text, re.DOTALL)
    assert block is not None
    return block[1]


def test_a_seat_without_online_access(
    seat: Seat, folder: Path, old: Checkout, new: Checkout, service: RunningService
) -> None:
    def install(version: str) -> str:
        archive = folder / "archive" / version / f"myosapiens-{version}.zip"
        words = ("install-file", "-r", "user_default", "--enable", str(archive))
        return seat.blender("--offline-mode", "--command", "extension", *words).stdout

    assert 'Installed "myosapiens"' in install(old.version)
    name = "bl_ext.user_default.myosapiens"
    seat.python(SET.format(name=name, key=KEY, base_url=service.base_url))
    assert seat.check()["ready_characters"] == 1
    published(new, folder)
    assert 'Reinstalled "myosapiens"' in install(new.version)
    assert seat.version("user_default") == new.version
    assert seat.check()["ready_characters"] == 1


def test_a_folder_of_the_studio_that_seats_only_read(
    seat: Seat, folder: Path, old: Checkout, service: RunningService, tmp_path: Path
) -> None:
    unpacked = tmp_path / "extensions" / "system" / "myosapiens"
    with zipfile.ZipFile(folder / f"myosapiens-{old.version}.zip") as archive:
        archive.extractall(unpacked)
    run = seat.blender(
        "--offline-mode", "--addons", "bl_ext.system.myosapiens", "--command", "myosapiens",
        "check", "--json", "--base-url", service.base_url,
        MYOSAPIENS_API_KEY=KEY, BLENDER_SYSTEM_EXTENSIONS=str(unpacked.parents[1]),
    )  # fmt: skip
    assert run.returncode == 0, run.stdout
    assert '"ready_characters": 1' in run.stdout
