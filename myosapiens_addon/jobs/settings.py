# SPDX-License-Identifier: GPL-3.0-or-later
"""How a pipeline waits, and what it is given to work with."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..service.client import Client
    from .events import Event
    from .sharing import Sharing

# Makes a client that stops on the given event. Called in the pipeline's own thread.
Connect = Callable[[threading.Event], "Client"]
# Told of each event, from one thread or another, one at a time.
Emit = Callable[["Event"], None]


@dataclass(frozen=True, kw_only=True)
class PipelineSettings:
    """How a pipeline waits, in seconds.

    Attributes:
        poll_interval_s: between two looks at the job.
        time_limit_s: for the solve; the job then goes on without us, and stays in the journal.
        unreachable_limit_s: how long the service may be out of reach while it solves.
        start_tries: how often to start a job whose start was lost without a trace.
        look_waits_s: before each look for a job whose start was lost.
        cleanup_limit_s: for telling the service of a cancel.
        progress_interval_s: between two events of progress.
        preflight: whether take and markerset are checked before anything is sent.
        sharing: what is shared with the other pipelines of a batch.
    """

    poll_interval_s: float = 2.0
    time_limit_s: float = 3600.0
    unreachable_limit_s: float = 600.0
    start_tries: int = 3
    look_waits_s: tuple[float, ...] = (0.0, 1.0, 3.0)
    cleanup_limit_s: float = 5.0
    progress_interval_s: float = 0.1
    preflight: bool = True
    sharing: Sharing | None = None
