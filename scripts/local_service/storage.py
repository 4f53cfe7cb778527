# SPDX-License-Identifier: GPL-3.0-or-later
"""The storage's application: presigned form uploads and downloads, answered as S3 does."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from . import clock
from .assets import BUCKET, Asset
from .errors import StorageError
from .form_receiver import FormReceiver
from .ranges import ByteRange, UnsatisfiableError, parse_range
from .request_ids import RequestIds
from .service import Service
from .signing import check_get
from .upload_policy import check_fields

logger = logging.getLogger(__name__)
CHUNK_BYTES = 1024 * 1024
# How much of a refused upload is still read, so that its sender gets to see the answer.
DRAIN_BYTES = 64 * 1024 * 1024


def make_storage(service: Service) -> ASGIApp:
    """The application that serves the storage's origin for one service."""
    app = Starlette(
        routes=[
            Route("/{bucket}", _upload, methods=["POST"]),
            Route("/{bucket}/", _upload, methods=["POST"]),
            Route("/{bucket}/{key:path}", _download, methods=["GET", "HEAD"]),
        ],
        exception_handlers={
            StorageError: _answer_storage_error,
            HTTPException: _answer_http_error,
            Exception: _answer_broken,
        },
    )
    app.state.service = service
    return RequestIds(app)


async def _upload(request: Request) -> Response:
    service = _service(request)
    body = _body(request)
    target = service.assets.new_incoming()
    try:
        _refuse_key(request)
        _require_length(request)
        _require_bucket(request)
        receiver = FormReceiver(
            request.headers.get("content-type", ""),
            target=target,
            check=lambda fields: check_fields(
                service.signer, fields, bucket=BUCKET, moment=clock.now()
            ),
        )
        try:
            async for block in _blocks(body):
                await run_in_threadpool(receiver.feed, block)
        finally:
            receiver.close()
        await run_in_threadpool(_store, service, receiver.finish().key, target)
    except StorageError:
        await _drain(body)
        raise
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is there to read it
    finally:
        target.unlink(missing_ok=True)
    return Response(status_code=204)


def _store(service: Service, key: str, uploaded: Path) -> None:
    asset = service.assets.find_by_key(key)
    if asset is None or not service.assets.receive(asset, uploaded):
        raise StorageError(403, "AccessDenied", "The key does not wait for an upload (any more).")


async def _download(request: Request) -> Response:
    service = _service(request)
    _refuse_key(request)
    check_get(
        service.signer,
        method=request.method,
        host=request.headers.get("host", ""),
        path=request.scope["raw_path"].decode("latin-1"),
        query=request.query_params.multi_items(),
        moment=clock.now(),
    )
    asset = await run_in_threadpool(service.assets.find_by_key, request.path_params["key"])
    if asset is None or not asset.is_completed:
        raise StorageError(404, "NoSuchKey", "The specified key does not exist.")
    try:
        source = service.assets.path(asset).open("rb")
    except FileNotFoundError as error:
        raise StorageError(404, "NoSuchKey", "The specified key does not exist.") from error
    return _answer_file(request, asset, source)


def _answer_file(request: Request, asset: Asset, source: BinaryIO) -> Response:
    etag = f'"{asset.checksum_sha256}"'
    asked = request.headers.get("range")
    if request.headers.get("if-range", etag) != etag:
        asked = None  # the client's part is of another file: it wants the whole
    try:
        part = parse_range(asked, size_bytes=asset.size_bytes)
    except UnsatisfiableError as error:
        source.close()
        raise StorageError(
            416,
            "InvalidRange",
            "The requested range is not satisfiable",
            headers={"Content-Range": f"bytes */{asset.size_bytes}"},
        ) from error
    sent = part or ByteRange(first=0, last=asset.size_bytes - 1)
    headers = {
        "Content-Length": str(sent.size_bytes),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(asset.filename, safe='')}",
        "Accept-Ranges": "bytes",
        "ETag": etag,
    }
    if part is not None:
        headers["Content-Range"] = f"bytes {part.first}-{part.last}/{asset.size_bytes}"
    return StreamingResponse(
        _read(source, sent),
        status_code=200 if part is None else 206,
        headers=headers,
        media_type=asset.content_type,
    )


def _read(source: BinaryIO, part: ByteRange) -> Iterator[bytes]:
    with source:
        source.seek(part.first)
        left = part.size_bytes
        while left > 0 and (block := source.read(min(left, CHUNK_BYTES))):
            left -= len(block)
            yield block


def _refuse_key(request: Request) -> None:
    if "x-api-key" in request.headers:
        raise StorageError(400, "InvalidRequest", "An API key must never be sent to the storage.")
    if "authorization" in request.headers:
        raise StorageError(
            400,
            "InvalidArgument",
            "Only one auth mechanism allowed; the Authorization header was sent besides the "
            "presigned parameters.",
        )


def _require_length(request: Request) -> None:
    if "content-length" not in request.headers or "transfer-encoding" in request.headers:
        raise StorageError(
            411, "MissingContentLength", "You must provide the Content-Length HTTP header."
        )


def _require_bucket(request: Request) -> None:
    if request.path_params["bucket"] != BUCKET:
        raise StorageError(404, "NoSuchBucket", "The specified bucket does not exist")


async def _body(request: Request) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        yield chunk


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Joins small chunks, so that a thread is entered once per block."""
    waiting: list[bytes] = []
    size_bytes = 0
    async for chunk in chunks:
        waiting.append(chunk)
        size_bytes += len(chunk)
        if size_bytes >= CHUNK_BYTES:
            yield b"".join(waiting)
            waiting, size_bytes = [], 0
    if waiting:
        yield b"".join(waiting)


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    drained_bytes = 0
    try:
        async for chunk in chunks:
            drained_bytes += len(chunk)
            if drained_bytes > DRAIN_BYTES:
                return
    except ClientDisconnect:
        return


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _answer_storage_error(request: Request, error: Exception) -> Response:
    refused = error if isinstance(error, StorageError) else _internal_error()
    return Response(
        refused.xml(str(request.scope["state"]["request_id"])),
        status_code=refused.status,
        headers=refused.headers,
        media_type="application/xml",
    )


def _answer_http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = "MethodNotAllowed" if status == 405 else "NoSuchKey"
    message = "The specified method is not allowed against this resource."
    if status != 405:
        message = "The specified key does not exist."
    return _answer_storage_error(request, StorageError(status, code, message))


def _answer_broken(request: Request, error: Exception) -> Response:
    logger.error("A storage request failed", exc_info=error)
    return _answer_storage_error(request, _internal_error())


def _internal_error() -> StorageError:
    return StorageError(500, "InternalError", "We encountered an internal error.")
