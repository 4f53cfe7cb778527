# SPDX-License-Identifier: GPL-3.0-or-later
"""The local service, with every request of its API written down as it arrives.

Run as `python -m benchmarks.watched_service FILE …`; the rest is the service's command line.
Each line of the file: when it came (s), its method and path, and the status it was answered.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from starlette.types import Message, Receive, Scope, Send

from local_service import api, cli
from local_service.gate import Gate


class WatchedGate(Gate):
    """The gate that every request passes."""

    watch = Path()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, and write it down."""
        arrived_s = time.time()

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._note(arrived_s, scope, int(message["status"]))
            await send(message)

        await super().__call__(scope, receive, tell)

    def _note(self, arrived_s: float, scope: Scope, status: int) -> None:
        with self.watch.open("a") as stream:
            stream.write(f"{arrived_s:.4f} {scope['method']} {scope['path']} {status}\n")


if __name__ == "__main__":
    WatchedGate.watch = Path(sys.argv[1])
    api.Gate = WatchedGate  # pyright: ignore[reportAttributeAccessIssue, reportPrivateImportUsage]
    sys.exit(cli.main(sys.argv[2:]))
