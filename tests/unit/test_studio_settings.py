# SPDX-License-Identifier: GPL-3.0-or-later
"""A studio's file: what is right in it is used, what is wrong is told with file, line and key."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myosapiens_addon.service.address import normalise_base_url
from myosapiens_addon.studio import finding, lines, reading
from myosapiens_addon.studio.settings import GUARDED, NAMES, NOTHING, StudioSettings

SECRET = "ak_live_0123456789abcdef"
WHOLE = """\
# The studio's seats.
lock = ["service.base_url", "key", "defaults.rate", "network"]

[service]
base_url = "https://Mocap.Studio.example/"
parallel_jobs = 6
poll_interval_s = 5

[key]
file = "secrets/${ROOM}/key.txt"

[network]
proxy = "http://user:word@proxy.studio.example:3128"

[defaults]
enable_scaling = false
gender = "Female"
rate = 120
set_range = true

[maps]
folder = "maps"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "maps").mkdir()
    return tmp_path / "myosapiens.toml"


def read(file: Path, text: str | bytes, **environ: str) -> StudioSettings:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return reading.read(file, environ=environ, check_url=normalise_base_url)


def sentences(found: StudioSettings) -> list[str]:
    return [fault.sentence for fault in found.faults]


def test_all_settings_are_read(file: Path) -> None:
    found = read(file, WHOLE, ROOM="stage 2")
    assert found.faults == ()
    assert found.refusal == ""
    assert found.base_url == "https://mocap.studio.example"
    assert (found.parallel_jobs, found.poll_interval_s) == (6, 5.0)
    assert found.key is not None
    assert found.key.file == file.parent / "secrets" / "stage 2" / "key.txt"
    assert found.proxy == "http://user:word@proxy.studio.example:3128"
    assert dict(found.defaults) == {
        "enable_scaling": False, "gender": "female", "rate": 120.0, "set_range": True,
    }  # fmt: skip
    assert found.maps == file.parent / "maps"
    # `network` locks what the file sets of it, and no more.
    assert found.locked == {"service.base_url", "key", "defaults.rate", "network.proxy"}


def test_nothing_set_is_nothing(file: Path) -> None:
    assert vars(read(file, "# nothing yet\n")) == {**vars(NOTHING), "file": file}
    assert not any(NOTHING.is_locked(name) for name in NAMES)


def test_a_password_is_in_no_repr(file: Path) -> None:
    assert "user:word" not in repr(read(file, WHOLE, ROOM="1"))


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ("[service]\nbase_ulr = 'https://a.example'", 2, "service.base_ulr", "mean base_url"),
        ("\n[servise]\nbase_url = 'x'", 2, "servise", "did you mean service?"),
        ("[service]\n\nparallel_jobs = '3'", 3, "service.parallel_jobs", "from 1 to 16, not text"),
        ("[service]\nparallel_jobs = true", 2, "service.parallel_jobs", "not true or false"),
        ("[service]\nparallel_jobs = 17", 2, "service.parallel_jobs", "from 1 to 16."),
        ("service.parallel_jobs = 2.0", 1, "service.parallel_jobs", "not a number"),
        ("[service]\npoll_interval_s = nan", 2, "service.poll_interval_s", "from 0.2 to 3600"),
        ("[service]\npoll_interval_s = 2024-01-01", 2, "service.poll_interval_s", "not a date"),
        ("[service]\nbase_url = 'http://a.example'", 2, "service.base_url", "plain http"),
        ("[service]\nbase_url = 7", 2, "service.base_url", "must be text, not a whole number"),
        ("service = 3", 1, "service", "must be a table, not a whole number"),
        ("[key]\nenv = 'A-B'", 2, "key.env", "name of an environment variable"),
        ("[key]\nenv = ' '", 2, "key.env", "must not be empty"),
        ("[key]\nenv = 'A'\nfile = 'b'", 1, "key.env and key.file", "both given"),
        ("[key]\ncommand = 'vault read'", 2, "key.command", "a list of texts, not text"),
        ("[key]\ncommand = []", 2, "key.command", "must name a program"),
        ("[key]\nfile = '${NOWHERE}/key'", 2, "key.file", "'NOWHERE', which is not set"),
        ("[network]\nproxy = 'socks5://p:1'", 2, "network.proxy", "must look like http://host"),
        ("[network]\nproxy = 'http://u:w@p:99999'", 2, "network.proxy", "must look like"),
        ("[network]\nca_bundle = 'none.pem'", 2, "network.ca_bundle", "which is not there"),
        ("[network]\nca_bundle = 'myosapiens.toml'", 2, "network.ca_bundle", "no certificates"),
        ("[defaults]\ngender = 'f'", 2, "defaults.gender", '"none", "female", "male"'),
        ("[defaults]\nrate = 'fast'", 2, "defaults.rate", "or a number"),
        ("[defaults]\nrate = 0", 2, "defaults.rate", "from 0.1 to 10000"),
        ("[defaults]\nset_range = 1", 2, "defaults.set_range", "must be true or false"),
        ("[maps]\nfolder = 'nowhere'", 2, "maps.folder", "is no folder"),
        ('[maps]\nfolder = """\nx = 1\n"""\n[service]\nx = 2', 6, "service.x", "is no setting"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(
    file: Path, text: str, line: int, key: str, words: str
) -> None:
    found = read(file, f"{text}\n")
    sentence = sentences(found)[0]
    assert sentence.startswith(f"{file}, line {line}: {key}")
    assert words in sentence
    assert "\n" not in sentence
    assert found.refusal == ""


def test_the_rest_is_used(file: Path) -> None:
    found = read(file, WHOLE.replace("parallel_jobs = 6", "parallel_jobs = 'six'"), ROOM="1")
    assert len(found.faults) == 1
    assert found.parallel_jobs is None
    assert found.base_url == "https://mocap.studio.example"
    assert found.is_locked("defaults.rate")


# The key itself


@pytest.mark.parametrize(
    "text",
    [
        f"[key]\nvalue = '{SECRET}'",
        f"[key]\napi_key = '{SECRET}'",
        "[key]\ntoken = 'another-kind-of-key'",
        "api_key = 'another-kind-of-key'",
        f"[key]\nenv = '{SECRET}'",
        f"[key]\nfile = '{SECRET}'",
        f"[key]\ncommand = ['echo', '{SECRET}']",
        f"[service]\nbase_url = '{SECRET}'",
        f"{SECRET} = 1",
        f"key = '{SECRET}'",
    ],
)
def test_a_key_in_the_file_is_refused_and_never_repeated(file: Path, text: str) -> None:
    found = read(file, f"{text}\n")
    assert len(found.faults) == 1
    assert found.key is None
    told = f"{vars(found)} {found!r}"
    assert SECRET not in told
    assert "another-kind" not in told


def test_a_wrong_value_is_not_repeated(file: Path) -> None:
    found = read(file, "[network]\nproxy = 'ftp://user:word@proxy'\n")
    assert "word" not in sentences(found)[0]


# Locks


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[service]\nbase_url = 'http://a.example'", "service.base_url"),
        ("[service]\nbase_ulr = 'https://a.example'", "service.base_url"),
        ("", "service.base_url"),
        ("service = 1", "service.base_url"),
        ("[key]\nenv = 'A'\nfile = 'b'", "key"),
        ("[key]\nvalue = 'b'", "key"),
        ("[network]\nproxy = 'proxy'", "network.proxy"),
        ("[network]\nca_bundle = 'none.pem'", "network.ca_bundle"),
    ],
)
def test_what_is_locked_and_wrong_stops_all_requests(file: Path, text: str, name: str) -> None:
    found = read(file, f"lock = ['{name}']\n{text}\n")
    assert not found.is_locked(name)
    assert name.partition(".")[0] in found.refusal
    assert str(file) in found.refusal
    assert any(sentence in found.refusal for sentence in sentences(found))


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(GUARDED)))
def test_a_lock_on_nothing_is_told_and_locks_nothing(file: Path, name: str) -> None:
    found = read(file, f"\nlock = ['{name}']\n")
    assert sentences(found) == [f"{file}, line 2: lock names {name}, which this file does not set."]
    assert (found.locked, found.refusal) == (frozenset(), "")


@pytest.mark.parametrize(
    ("lock", "words"),
    [
        ("lock = ['service.base_ulr']", "names 'service.base_ulr', which is no setting"),
        ("lock = 'service.base_url'", "must be a list of texts, not text"),
        ("lock = [1]", "must be text, not a whole number"),
    ],
)
def test_a_wrong_lock_locks_all_that_is_set(file: Path, lock: str, words: str) -> None:
    text = f"{lock}\n[service]\nbase_url = 'https://a.example'\n[defaults]\nset_range = true\n"
    found = read(file, text)
    assert found.locked == {"service.base_url", "defaults.set_range"}
    (sentence,) = sentences(found)
    assert sentence.startswith(f"{file}, line 1: lock ")
    assert words in sentence


def test_a_lock_below_a_table_is_told_and_locks_all_that_is_set(file: Path) -> None:
    text = "[service]\nparallel_jobs = 2\n[maps]\nfolder = 'maps'\nlock = ['service']\n"
    found = read(file, text)
    assert sentences(found) == [f"{file}, line 5: lock must stand before the first table."]
    assert found.locked == {"service.parallel_jobs", "maps.folder"}


# Files that cannot be read


def test_a_file_that_is_no_toml_names_the_line(file: Path) -> None:
    found = read(file, "[service]\nparallel_jobs = \n")
    (sentence,) = sentences(found)
    assert sentence.startswith(f"{file}, line 2: this is not TOML (invalid value)")
    assert found.refusal == ""
    assert found.parallel_jobs is None


@pytest.mark.parametrize("lock", ["lock = ['key']", "  'lock'=[", "service.lock = 1"])
def test_a_file_that_is_no_toml_but_locks_stops_all_requests(file: Path, lock: str) -> None:
    found = read(file, f"{lock}\n[service\n")
    assert sentences(found)[0] in found.refusal


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe[service]", b"#" * 70_000],
)
def test_a_file_that_is_no_text_or_too_large_stops_all_requests(file: Path, content: bytes) -> None:
    found = read(file, content)
    assert len(found.faults) == 1
    assert found.refusal


def test_a_missing_file_and_a_folder_stop_all_requests(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        found = reading.read(path, environ={}, check_url=normalise_base_url)
        assert str(path) in found.refusal


def test_deep_nesting_is_told(file: Path) -> None:
    found = read(file, f"x = {'[' * 20_000}\n")
    assert "this is not TOML" in sentences(found)[0]


def test_a_byte_order_mark_and_windows_lines_are_read(file: Path) -> None:
    found = read(file, b"\xef\xbb\xbf[service]\r\nparallel_jobs = 2\r\nx = 1\r\n")
    assert found.parallel_jobs == 2
    assert "line 3" in sentences(found)[0]


@given(st.text(max_size=300))
def test_no_text_raises(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.toml"
    found = read(file, text.encode("utf-8", "replace"))
    assert all("\n" not in fault.sentence for fault in found.faults)


VALUES = st.recursive(
    st.sampled_from(["true", "1", "-2.5", "inf", "'x'", "''", "1979-05-27", "'https://a.example'"]),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
)


@given(st.dictionaries(st.sampled_from([*NAMES, "lock", "key.env", "maps.x"]), VALUES))
def test_no_document_raises_and_a_guarded_lock_never_opens(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, str]
) -> None:
    text = "".join(f"{name} = {value}\n" for name, value in document.items())
    file = tmp_path_factory.getbasetemp() / "any.toml"
    found = read(file, f"{text}" if "lock" in document else f"lock = ['service.base_url']\n{text}")
    if "lock" not in document:
        assert found.is_locked("service.base_url") or found.refusal


# Certificates, paths, lines, places


def test_a_bundle_of_certificates_is_read(file: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not at hand to make a certificate")
    words = "req -x509 -newkey rsa:2048 -nodes -subj /CN=studio -keyout key.pem -out ca.pem"
    subprocess.run([openssl, *words.split()], cwd=file.parent, check=True, capture_output=True)
    found = read(file, "[network]\nca_bundle = '${HERE}/ca.pem'\n", HERE=str(file.parent))
    assert found.faults == ()
    assert found.ca_bundle == file.parent / "ca.pem"


def test_a_home_is_filled_in(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/artist")
    monkeypatch.setenv("USERPROFILE", "/home/artist")
    found = read(file, "[key]\nfile = '~/keys/../key.txt'\n")
    assert found.key is not None
    assert found.key.file == Path("/home/artist/key.txt")


def test_a_command_is_a_path_only_with_a_separator(file: Path) -> None:
    found = read(file, "[key]\ncommand = ['vault', '${A}', '~']\n")
    assert found.key is not None
    assert found.key.command == ("vault", "${A}", "~")
    found = read(file, "[key]\ncommand = ['bin/vault']\n")
    assert found.key is not None
    assert found.key.command == (str(file.parent / "bin" / "vault"),)


def test_lines_of_keys() -> None:
    text = 'a = 1\n"b" . c = 2\n[d . "e"]\nf = 3 # f\nx = """\nf = 1\n"""\n[[g]]\nh = {i = 1}\n'
    wanted = {"a": 1, "b.c": 2, "d.e": 3, "d.e.f": 4, "g": 8, "g.h": 9, "g.h.i": 9, "q": None}
    assert {name: lines.line_of(text, name) for name in wanted} == wanted


def test_the_named_file_goes_before_those_beside_the_scripts(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    folders = [str(tmp_path / "none"), str(first), str(second)]
    assert finding.find({}, folders) is None
    (second / "myosapiens.toml").touch()
    assert finding.find({}, folders) == second / "myosapiens.toml"
    (first / "myosapiens.toml").touch()
    assert finding.find({}, folders) == first / "myosapiens.toml"
    named = {"MYOSAPIENS_CONFIG": str(tmp_path / "not-there.toml")}
    assert finding.find(named, folders) == tmp_path / "not-there.toml"
    assert finding.find({"MYOSAPIENS_CONFIG": " "}, []) is None


def test_a_home_that_is_not_here_is_a_file_that_is_not_there(tmp_path: Path) -> None:
    folders = ["~nobody-of-this-name", str(tmp_path)]
    assert finding.find({}, folders) is None
    (tmp_path / "myosapiens.toml").touch()
    assert finding.find({}, folders) == tmp_path / "myosapiens.toml"
    named = finding.find({"MYOSAPIENS_CONFIG": "~nobody-of-this-name/studio.toml"}, [])
    assert named is not None
    (fault,) = reading.read(named, environ={}, check_url=normalise_base_url).faults
    assert "~nobody-of-this-name/studio.toml does not exist" in fault.sentence.replace("\\", "/")


def test_the_guides_example_is_right(file: Path) -> None:
    guide = Path(__file__).resolve().parents[2] / "docs" / "studio.md"
    (example,) = re.findall(r"```toml\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    (file.parent / "bone-maps").mkdir()
    found = read(file, example)
    # Its certificates are nowhere; all else is as the guide says.
    assert [fault.name for fault in found.faults] == ["network.ca_bundle"]
    assert found.locked == {"service.base_url", "key"}
    assert all(name.rpartition(".")[2] in example for name in NAMES)
