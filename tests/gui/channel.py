# SPDX-License-Identifier: GPL-3.0-or-later
"""The test process's end of the line to a Blender with a window (the other is `inside.py`)."""

from __future__ import annotations

import json
import socket
from typing import Any

Json = Any


class BlenderError(Exception):
    """What was asked for raised inside Blender; the text is the traceback there."""


class ChannelClosedError(Exception):
    """Blender hung up: it has ended, or it was ended."""


class Channel:
    """Waits for one Blender to call, then gives it orders one by one."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._socket: socket.socket | None = None
        self._received = b""
        self._number = 0

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    def accept(self, *, timeout_s: float) -> bool:
        """Whether Blender has called within that time."""
        self._listener.settimeout(timeout_s)
        try:
            self._socket, _ = self._listener.accept()
        except TimeoutError:
            return False
        return True

    def ask(
        self, kind: str, source: str | list[str], *, name: str = "<test>", timeout_s: float = 60.0
    ) -> Json:
        """Give one order and return its value; raises what it raised."""
        if self._socket is None:
            raise ChannelClosedError("Blender has not called, or the line is closed.")
        self._socket.settimeout(timeout_s)
        self._number += 1
        order = {"kind": kind, "source": source, "name": name, "number": self._number}
        try:
            self._socket.sendall(json.dumps(order).encode() + b"\n")
            answer = self._answer()
        except ConnectionError as error:
            raise ChannelClosedError("Blender has ended.") from error
        if "error" in answer:
            raise BlenderError(answer["error"])
        return answer["value"]

    def _answer(self) -> dict[str, Any]:
        """The answer to the last order; a late one to an order before it is passed over."""
        while (answer := json.loads(self._line()))["number"] != self._number:
            pass
        return answer

    def _line(self) -> bytes:
        assert self._socket is not None
        while b"\n" not in self._received:
            part = self._socket.recv(65536)
            if not part:
                raise ConnectionResetError
            self._received += part
        line, _, self._received = self._received.partition(b"\n")
        return line

    def close(self) -> None:
        """Hang up: a Blender that is still there ends."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._listener.close()
