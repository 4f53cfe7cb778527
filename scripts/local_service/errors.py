# SPDX-License-Identifier: GPL-3.0-or-later
"""What the two origins refuse, and how they say so.

Exception
├── RefusedError   an API request: an HTTP status and a `detail`
├── StorageError   a storage request: an HTTP status and an S3 error code
└── StartError     the service cannot start: one sentence for the terminal
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape


class RefusedError(Exception):
    """A request to the API that is answered with an error status.

    Attributes:
        status: The HTTP status, 400 to 499.
        detail: One sentence for the client.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class StorageError(Exception):
    """A request to the storage that is answered as S3 answers it.

    Attributes:
        status: The HTTP status.
        code: S3's error code, as listed in its API reference under "Error responses".
        headers: What the answer's head holds besides.
    """

    def __init__(
        self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def xml(self, request_id: str) -> str:
        """The body of the answer."""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{escape(self.code)}</Code><Message>{escape(self.message)}</Message>"
            f"<RequestId>{escape(request_id)}</RequestId><HostId>local</HostId></Error>"
        )


class StartError(Exception):
    """Why the service does not start, in one sentence."""
