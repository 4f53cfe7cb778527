# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a multipart/form-data body as it comes in: fields to memory, the file to disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from python_multipart import MultipartParser
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import parse_options_header

from .errors import StorageError
from .upload_policy import UploadGrant

MAX_FIELDS_BYTES = 20_000  # S3's bound on a form's data before the file


class FormReceiver:
    """One form: feed it the body's chunks, then `finish`.

    The fields are checked when the file's part begins, so nothing is written for a form that
    may not upload. Memory use does not depend on the file's size.

    Args:
        content_type: The request's `Content-Type` header.
        target: Where the file goes; must not exist.
        check: Turns the fields into a grant, or raises StorageError.

    Raises:
        StorageError: The request is no multipart form.
    """

    def __init__(
        self,
        content_type: str,
        *,
        target: Path,
        check: Callable[[Mapping[str, str]], UploadGrant],
    ) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or b"boundary" not in options:
            raise StorageError(
                412,
                "PreconditionFailed",
                "Bucket POST must be of the enclosure-type multipart/form-data",
            )
        self.grant: UploadGrant | None = None
        self.size_bytes = 0
        self._target = target
        self._check = check
        self._fields: dict[str, bytes] = {}
        self._fields_bytes = 0
        self._header = (b"", b"")
        self._part = ""
        self._sink: BinaryIO | None = None
        self._ended = False
        self._parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._on_part_begin,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_end": self._on_end,
            },
        )

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the body.

        Raises:
            StorageError: The form is malformed, or may not upload what it sends.
        """
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            raise StorageError(
                400, "MalformedPOSTRequest", "The body is not well-formed multipart/form-data."
            ) from error

    def finish(self) -> UploadGrant:
        """The body is over; the file is complete under `target`.

        Raises:
            StorageError: The body broke off, held no file, or the file is too small.
        """
        if not self._ended:
            raise StorageError(
                400, "IncompleteBody", "The body ended before the form's last boundary."
            )
        if self.grant is None:
            raise StorageError(
                400, "InvalidArgument", "POST requires exactly one file upload per request."
            )
        if self.size_bytes < self.grant.min_bytes:
            raise StorageError(
                400, "EntityTooSmall", "Your proposed upload is smaller than the minimum size."
            )
        return self.grant

    def close(self) -> None:
        """Let go of the file, complete or not."""
        if self._sink is not None:
            self._sink.close()
            self._sink = None

    def _on_part_begin(self) -> None:
        self._part = ""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header = (self._header[0] + data[start:end], self._header[1])

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header = (self._header[0], self._header[1] + data[start:end])

    def _on_header_end(self) -> None:
        name, value = self._header
        self._header = (b"", b"")
        if name.lower() == b"content-disposition":
            _, options = parse_options_header(value)
            self._part = options.get(b"name", b"").decode(errors="replace")

    def _on_headers_finished(self) -> None:
        if self._part != "file":
            self._count(len(self._part) + 1)
            self._fields[self._part] = b""
        elif self.grant is not None:
            raise StorageError(
                400, "InvalidArgument", "POST requires exactly one file upload per request."
            )
        else:
            fields = {name: value.decode(errors="replace") for name, value in self._fields.items()}
            self.grant = self._check(fields)
            self._sink = self._target.open("xb")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._sink is not None and self.grant is not None:
            self.size_bytes += end - start
            if self.size_bytes > self.grant.max_bytes:
                raise StorageError(
                    400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size."
                )
            self._sink.write(memoryview(data)[start:end])
            return
        self._count(end - start)
        self._fields[self._part] += data[start:end]

    def _count(self, size_bytes: int) -> None:
        self._fields_bytes += size_bytes
        if self._fields_bytes > MAX_FIELDS_BYTES:
            raise StorageError(
                400,
                "MaxPostPreDataLengthExceeded",
                "Your POST request fields preceding the upload file were too large.",
            )

    def _on_part_end(self) -> None:
        if self._part == "file":
            self.close()

    def _on_end(self) -> None:
        self._ended = True
