# SPDX-License-Identifier: GPL-3.0-or-later
"""The API key from where a studio keeps it: variable, file, command."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from myosapiens_addon.errors import CancelledError, InputError
from myosapiens_addon.studio import keys
from myosapiens_addon.studio.parts import KeySource

KEY = "ak_live_studio_key"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    keys.forget()
    yield
    keys.forget()


def command(code: str) -> KeySource:
    return KeySource(command=(sys.executable, "-c", code))


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state in "ZX"


def test_from_a_variable() -> None:
    assert keys.fetch(KeySource(variable="A"), environ={"A": f" {KEY}\n"}) == KEY
    with pytest.raises(InputError, match="the variable A"):
        keys.fetch(KeySource(variable="A"), environ={})


def test_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "key.txt"
    path.write_text(f"{KEY}\nof the mocap room\n")
    path.chmod(0o640)
    assert keys.fetch(KeySource(file=path)) == KEY
    path.write_text("\n")
    with pytest.raises(InputError, match=r"key\.txt for the API key; it has none"):
        keys.fetch(KeySource(file=path))
    path.unlink()
    with pytest.raises(InputError, match=r"key\.txt cannot be read: No such file"):
        keys.fetch(KeySource(file=path))
    with pytest.raises(InputError, match="Is a directory"):
        keys.fetch(KeySource(file=tmp_path))
    if hasattr(os, "mkfifo"):
        os.mkfifo(path)
        with pytest.raises(InputError, match="no plain file"):
            keys.fetch(KeySource(file=path))


@pytest.mark.skipif(os.name != "posix", reason="Windows has other rights")
@pytest.mark.parametrize("mode", [0o644, 0o660, 0o602, 0o601])
def test_a_file_that_is_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key.txt"
    path.write_text(KEY)
    path.chmod(mode)
    with pytest.raises(InputError, match="chmod 640") as refused:
        keys.fetch(KeySource(file=path))
    assert KEY not in refused.value.sentence


def test_from_a_command_its_first_line() -> None:
    code = f"import sys; print('{KEY}'); print('more'); sys.stderr.write('warning')"
    assert keys.fetch(command(code)) == KEY


def test_a_command_is_asked_once_by_jobs_that_begin_together(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = f"import time; open({str(log)!r}, 'a').write('x'); time.sleep(0.3); print('{KEY}')"
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(keys.fetch(command(code)))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [KEY] * 4
    assert log.read_text() == "x"
    keys.forget()
    keys.fetch(command(code))
    assert log.read_text() == "xx"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; print('secret'); sys.exit(3)", "failed with exit code 3"),
        ("pass", "it has none"),
        ("while True: print('x' * 1000)", "prints more than a key"),
    ],
)
def test_a_command_that_fails(code: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as failed:
        keys.fetch(command(code))
    assert "secret" not in failed.value.sentence


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(InputError, match="'no-such-vault' cannot be started: No such file"):
        keys.fetch(KeySource(command=("no-such-vault",)))


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_slow_command_ends_with_all_that_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    code = (
        "import os, subprocess, time; child = subprocess.Popen(['sleep', '60']); "
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}'); time.sleep(60)"
    )
    with pytest.raises(InputError, match=r"gave no key within 2\.5 s"):
        keys.fetch(command(code), limit_s=2.5)
    started = [int(text) for text in pids.read_text().split()]
    assert len(started) == 2
    end = time.monotonic() + 20.0
    while not all(map(is_gone, started)) and time.monotonic() < end:
        time.sleep(0.05)
    assert all(map(is_gone, started))


def test_a_cancel_stops_a_command_and_the_wait_for_one() -> None:
    cancel = threading.Event()
    raised: list[bool] = []

    def ask() -> None:
        with pytest.raises(CancelledError):
            keys.fetch(command("import time; time.sleep(60)"), cancel=cancel)
        raised.append(True)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    cancel.set()
    for thread in threads:
        thread.join(20.0)
    assert len(raised) == 2
