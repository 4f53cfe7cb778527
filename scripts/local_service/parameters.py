# SPDX-License-Identifier: GPL-3.0-or-later
"""What the routes take out of a request."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request

from .paging import Paging
from .service import Service

Limit = Annotated[int, Query(ge=1, le=100, description="Items per page")]
Offset = Annotated[int, Query(ge=0, le=2**31, description="Items to skip")]


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _asked_host(request: Request) -> str | None:
    return request.url.hostname


def _paging(limit: Limit = 50, offset: Offset = 0) -> Paging:
    return Paging(limit=limit, offset=offset)


ServicePart = Annotated[Service, Depends(_service)]
AskedHost = Annotated[str | None, Depends(_asked_host)]
PagingPart = Annotated[Paging, Depends(_paging)]
