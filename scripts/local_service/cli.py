# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of the local service."""

from __future__ import annotations

import argparse
import importlib.util
import logging
import sys
from pathlib import Path

from .errors import StartError
from .server import serve
from .settings import (
    DEFAULT_DATA,
    DEFAULT_SOLVER,
    DEVELOPMENT_KEY,
    Endpoints,
    Settings,
    is_loopback,
)


def main(arguments: list[str] | None = None) -> int:
    """Run the service until it is interrupted.

    Returns:
        The exit code: 0 after a signal, 2 where it could not start.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        settings = _settings(options)
        serve(settings, announce=_announce)
    except StartError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _announce(endpoints: Endpoints) -> None:
    print(f"listening on {endpoints.base_url}", flush=True)


def _settings(options: argparse.Namespace) -> Settings:
    if options.api_key is None and not is_loopback(options.host):
        raise StartError(
            f"Other machines can reach {options.host}: choose a key of your own with --api-key."
        )
    if options.character == "myoskeleton" and importlib.util.find_spec("myo_model") is None:
        raise StartError(
            "--character myoskeleton needs the package myo_model, which is not installed."
        )
    return Settings(
        data_dir=options.data.resolve(),
        host=options.host,
        port=options.port,
        storage_port=options.storage_port,
        revision=options.revision,
        api_key=options.api_key or DEVELOPMENT_KEY,
        rate_limit_per_minute=options.rate_limit,
        credits=options.credits,
        url_ttl_s=options.url_ttl,
        workers=options.workers,
        solve_delay_s=options.solve_delay,
        character=options.character,
        solver=options.solver,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="local_service",
        description="The MyoSapiens API on this machine, with a real solve; no account needed. "
        "Prints 'listening on http://HOST:PORT' when ready; Ctrl-C ends it.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=_port, default=8765, help="port of the API; 0 takes a free one")
    add("--storage-port", type=_port, default=0, help="port of the storage; 0 takes a free one")
    add("--data", type=Path, default=DEFAULT_DATA, help="folder for state and files; kept")
    add("--revision", type=int, choices=(1, 2), default=2, help="revision of the API to speak")
    add(
        "--api-key",
        type=_key,
        help=f"the key that requests must bring; {DEVELOPMENT_KEY} for this machine alone",
    )
    add("--rate-limit", type=_positive, metavar="N", help="requests per minute before 429")
    add("--credits", type=_count, metavar="N", help="jobs before 402")
    add("--url-ttl", type=_ttl, default=3600, metavar="S", help="life of presigned URLs in seconds")
    add("--workers", type=_positive, default=1, help="jobs that run at the same time")
    add("--solve-delay", type=_seconds, default=0.0, metavar="S", help="wait before each solve")
    add(
        "--character",
        choices=("local", "myoskeleton"),
        default="local",
        help="character to solve on; myoskeleton is offered besides the local one",
    )
    # For tests: another solver, as module:function.
    add("--solver", default=DEFAULT_SOLVER, help=argparse.SUPPRESS)
    return parser


def _key(text: str) -> str:
    if not text or not text.isascii() or not text.isprintable() or text != text.strip():
        raise argparse.ArgumentTypeError("a key is made of printable ASCII characters")
    return text


def _port(text: str) -> int:
    return _whole(text, least=0, most=65535)


def _positive(text: str) -> int:
    return _whole(text, least=1, most=10**9)


def _count(text: str) -> int:
    return _whole(text, least=0, most=10**9)


def _ttl(text: str) -> int:
    return _whole(text, least=1, most=604_800)


def _whole(text: str, *, least: int, most: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds
