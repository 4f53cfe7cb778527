# SPDX-License-Identifier: GPL-3.0-or-later
"""The API's application."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp

from . import routes_assets, routes_characters, routes_jobs, routes_runs
from .errors import RefusedError
from .gate import Gate, RateLimit
from .request_ids import RequestIds
from .service import Service

logger = logging.getLogger(__name__)


def make_api(service: Service) -> ASGIApp:
    """The application that serves `/v1` for one service."""
    settings = service.settings
    # No pages of documentation: they load their scripts from elsewhere.
    app = FastAPI(title="MyoSapiens local service", docs_url=None, redoc_url=None)
    app.state.service = service
    app.include_router(routes_assets.router)
    app.include_router(routes_characters.router)
    app.include_router(routes_jobs.router)
    app.include_router(routes_runs.make_router(settings.revision))
    per_minute = settings.rate_limit_per_minute
    app.add_middleware(
        Gate,
        api_key=settings.api_key,
        rate_limit=None if per_minute is None else RateLimit(per_minute),
    )
    app.add_exception_handler(RefusedError, _answer_refused)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(Exception, _answer_broken)
    return RequestIds(app)


def _answer_refused(_request: Request, error: Exception) -> JSONResponse:
    refused = error if isinstance(error, RefusedError) else RefusedError(400, str(error))
    return JSONResponse({"detail": refused.detail}, status_code=refused.status)


def _answer_invalid(_request: Request, error: Exception) -> JSONResponse:
    # Without the input that FastAPI would repeat: it may be what JSON cannot hold.
    lines: list[dict[str, Any]] = list(getattr(error, "errors", list)())
    detail = [{name: line[name] for name in ("loc", "msg", "type")} for line in lines]
    return JSONResponse({"detail": detail}, status_code=422)


def _answer_broken(_request: Request, error: Exception) -> JSONResponse:
    logger.error("A request failed", exc_info=error)
    return JSONResponse({"detail": "Internal server error"}, status_code=500)
