# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: ANN401 - what tests pass on is anything
"""The catalogue of characters: fetched, labelled, kept in a file that may be spoilt."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from myosapiens_addon.errors import CancelledError
from myosapiens_addon.service.catalogue import Catalogue, CatalogueEntry, fetch_catalogue
from myosapiens_addon.service.client import Client
from myosapiens_addon.service.errors import AuthenticationError
from tests.unit.service_stub import CHARACTER, KEY, Reply, StubService, on
from tests.unit.transfer_watch import QUICK

URL = "https://api.example"


def version(name: str, day: int | None = None, status: str = "READY") -> dict[str, Any]:
    created_at = None if day is None else f"2024-01-{day:02}T00:00:00Z"
    return {"version": name, "status": status, "created_at": created_at}


def character(
    character_id: str,
    name: str | None = "Human",
    versions: tuple[dict[str, Any], ...] = (),
    **more: Any,
) -> dict[str, Any]:
    ready = [one for one in versions if one["status"] == "READY"]
    latest = versions[-1] if versions else version("v0", status="DRAFT")
    told = {"character_id": character_id, "name": name, "versions": list(versions)}
    return {**told, "ready_versions": ready, "latest_version": latest, **more}


def offer(stub: StubService, *characters: dict[str, Any]) -> None:
    stub.characters = list(characters)


def entry(character_id: str, name: str = "Human", **more: Any) -> CatalogueEntry:
    return CatalogueEntry(character_id=character_id, name=name, label=name, **more)


# Fetched


def test_what_the_service_offers(client: Client) -> None:
    catalogue = fetch_catalogue(client)
    assert catalogue.base_url == client.base_url
    (one,) = catalogue.entries
    assert one == CatalogueEntry(
        character_id=CHARACTER,
        name="Stub",
        label="Stub",
        versions=("v1",),
        default_version="v1",
    )
    assert one.is_ready
    assert catalogue.find(CHARACTER) is one
    assert catalogue.find("nobody") is None


def test_those_without_a_ready_version_are_listed(stub: StubService, client: Client) -> None:
    offer(
        stub,
        character("a", "Old", (version("v1", 1, "DEPRECATED"),)),
        character("b", "None"),
        character("c", "Good", (version("v1", 1),), description=" In two\nlines. "),
    )
    old, none, good = fetch_catalogue(client).entries
    assert (old.versions, old.default_version, old.is_ready) == ((), None, False)
    assert (none.versions, none.default_version) == ((), None)
    assert (good.versions, good.description) == (("v1",), "In two lines.")


@pytest.mark.parametrize(
    ("versions", "latest", "order"),
    [
        ((version("v1", 1), version("v3", 3), version("v2", 2)), 1, ("v3", "v2", "v1")),
        ((version("v2", 2), version("v1", 1), version("v9", 9, "DRAFT")), 2, ("v2", "v1")),
        ((version("v2", 2), version("odd"), version("v9", 9, "DRAFT")), 2, ("v2", "odd")),
        ((version("v1", 1), version("v1", 1)), 0, ("v1",)),
        ((version("back", 1), version("v2", 2)), 0, ("back", "v2")),
    ],
)
def test_ready_versions_come_newest_first(
    stub: StubService,
    client: Client,
    versions: tuple[dict[str, Any], ...],
    latest: int,
    order: tuple[str, ...],
) -> None:
    stub.characters = [character("a", "A", versions, latest_version=versions[latest])]
    (one,) = fetch_catalogue(client).entries
    assert one.versions == order
    newest = client.get_character(character_id="a").newest_ready()
    assert newest is not None
    assert one.default_version == newest.version == order[0]


def test_a_character_that_goes_away_meanwhile_is_left_out(
    stub: StubService, client: Client
) -> None:
    offer(stub, character("a", "A", (version("v1", 1),)), character("b", "B"))
    stub.faults.append(on("GET", "/v1/characters/a", Reply(404, {"detail": "gone"})))
    assert [one.character_id for one in fetch_catalogue(client).entries] == ["b"]


def test_all_pages_are_asked_for(stub: StubService, client: Client) -> None:
    offer(stub, *(character(f"c-{n}", f"Name {n}") for n in range(130)))
    assert [one.label for one in fetch_catalogue(client).entries][-1] == "Name 129"


def test_a_failure_on_the_way_is_one_of_all(stub: StubService, client: Client) -> None:
    stub.faults.append(on("GET", "/v1/characters/", Reply(401, {"detail": "no"})))
    with pytest.raises(AuthenticationError):
        fetch_catalogue(client)


def test_fetching_can_be_cancelled(stub: StubService) -> None:
    cancel = threading.Event()
    stub.faults.append(on("GET", "/v1/characters/", Reply(hang=True)))
    threading.Timer(0.1, cancel.set).start()
    with (
        Client(base_url=stub.base_url, api_key=KEY, cancel=cancel, retry=QUICK) as client,
        pytest.raises(CancelledError),
    ):
        fetch_catalogue(client)


# Labels


@pytest.mark.parametrize(
    ("pairs", "labels"),
    [
        ([("a1", "Human"), ("b1", "Robot")], ["Human", "Robot"]),
        (
            [("aaaaaaaa-1", "Human"), ("bbbbbbbb-1", "Human"), ("c", "Robot")],
            ["Human (aaaaaaaa)", "Human (bbbbbbbb)", "Robot"],
        ),
        ([("aaaaaaaa-1", "X"), ("aaaaaaaa-2", "X")], ["X (aaaaaaaa-1)", "X (aaaaaaaa-2)"]),
        ([("a1", ""), ("b1", "")], ["Character (a1)", "Character (b1)"]),
        ([("a1", ""), ("b1", "Human")], ["Character", "Human"]),
    ],
)
def test_no_two_labels_are_the_same(pairs: list[tuple[str, str]], labels: list[str]) -> None:
    catalogue = Catalogue.of(URL, [entry(*pair) for pair in pairs])
    assert [one.label for one in catalogue.entries] == labels


def test_a_character_that_is_listed_twice_is_taken_once() -> None:
    catalogue = Catalogue.of(URL, [entry("a"), entry("b", "Robot"), entry("a")])
    assert [one.label for one in catalogue.entries] == ["Human", "Robot"]


# Kept


def full() -> Catalogue:
    versions = {"versions": ("v2", "v1"), "default_version": "v2"}
    entries = [entry("a", "Żółw 亀", description="d", **versions), entry("b"), entry("c")]
    return Catalogue.of(URL, entries)


def test_a_catalogue_survives_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "new" / "catalogue.json"
    assert full().save(path)
    assert full().save(path)
    assert Catalogue.load(path) == full()
    assert [one.name for one in path.parent.iterdir()] == ["catalogue.json"]


def test_an_empty_catalogue_survives_too(tmp_path: Path) -> None:
    empty = Catalogue(base_url=URL)
    assert empty.save(tmp_path / "c.json")
    assert Catalogue.load(tmp_path / "c.json") == empty


def spoilt(**changes: Any) -> bytes:
    return json.dumps({**full().to_dict(), **changes}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b'{"schema": 1}',
        b"\xff\xfe\0",
        b"[" * 100_000,
        spoilt()[:-40],
        spoilt(schema=2),
        spoilt(schema="1"),
        spoilt(base_url=None),
        spoilt(entries=None),
        spoilt(entries=[1]),
        spoilt(entries=[{"character_id": ""}]),
        spoilt(entries=[{"character_id": "a", "name": 3}]),
        spoilt(entries=[{"character_id": "a", "versions": "v1"}]),
        spoilt(entries=[{"character_id": "a", "versions": ["v1"], "default_version": "v2"}]),
    ],
)
def test_a_spoilt_file_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "catalogue.json"
    path.write_bytes(content)
    assert Catalogue.load(path) is None
    assert full().save(path)
    assert Catalogue.load(path) == full()


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path: Path) -> None:
    assert Catalogue.load(tmp_path / "none.json") is None
    assert Catalogue.load(tmp_path) is None


def test_what_cannot_be_written_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "catalogue.json"
    full().save(path)

    def full_disk(_path: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    assert not Catalogue(base_url=URL).save(path)
    assert Catalogue.load(path) == full()
    assert [one.name for one in tmp_path.iterdir()] == ["catalogue.json"]
    assert not full().save(path / "below a file" / "c.json")
