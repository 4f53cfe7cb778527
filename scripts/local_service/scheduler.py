# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs queued jobs, each in a worker process, a few at a time."""

from __future__ import annotations

import logging
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from .assets import AssetStore
from .errors import RefusedError
from .jobs import Job, JobStore
from .worker_process import Outcome, WorkerProcess, WorkerSettings, collect

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Running:
    process: subprocess.Popen[bytes]
    gone: threading.Event


class Scheduler:
    """One thread per worker slot; each waits for a job, then for its process.

    Args:
        assets: Where inputs come from and outputs go.
        jobs: The queue.
        work_dir: A folder of this scheduler's own; emptied by `start`.
        settings: How a worker is started.
        workers: The number of slots.
    """

    def __init__(
        self,
        *,
        assets: AssetStore,
        jobs: JobStore,
        work_dir: Path,
        settings: WorkerSettings,
        workers: int,
    ) -> None:
        self._assets = assets
        self._jobs = jobs
        self._work_dir = work_dir
        self._settings = settings
        self._wake = threading.Condition()
        self._stopping = False
        self._running: dict[str, _Running] = {}
        self._threads = [
            threading.Thread(target=self._serve_slot, name=f"worker-slot-{number}", daemon=True)
            for number in range(workers)
        ]

    def start(self) -> None:
        """Take up the queue, interrupted jobs first."""
        shutil.rmtree(self._work_dir, ignore_errors=True)
        self._work_dir.mkdir(parents=True)
        self._jobs.requeue_interrupted()
        for thread in self._threads:
            thread.start()

    def notify(self) -> None:
        """Say that a job was queued."""
        with self._wake:
            self._wake.notify()

    def kill(self, job_id: str, *, timeout_s: float = 1.0) -> None:
        """End the process of a job that was just cancelled, and see it gone with its files."""
        with self._wake:
            running = self._running.get(job_id)
            if running is None:
                return
            running.process.kill()
        running.gone.wait(timeout_s)

    def stop(self, *, timeout_s: float = 1.0) -> None:
        """End all workers; their jobs stay RUNNING in the state and are run again next time."""
        with self._wake:
            self._stopping = True
            for running in self._running.values():
                running.process.kill()
            self._wake.notify_all()
        for thread in self._threads:
            thread.join(timeout_s)

    def _serve_slot(self) -> None:
        while (job := self._next_job()) is not None:
            try:
                self._run(job)
            except RefusedError:
                logger.info("Job %s was cancelled and its inputs deleted", job.job_id)
            except OSError as error:
                logger.exception("Job %s could not be run", job.job_id)
                sentence = f"The service could not run the solve: {error.strerror or error}."
                self._jobs.fail(job.job_id, error_type="ServiceError", error_message=sentence)

    def _next_job(self) -> Job | None:
        with self._wake:
            while not self._stopping:
                job = self._jobs.claim()
                if job is not None:
                    return job
                self._wake.wait()
        return None

    def _run(self, job: Job) -> None:
        folder = self._work_dir / job.job_id
        worker = WorkerProcess(folder=folder, settings=self._settings)
        try:
            worker.prepare(job, self._assets)
            running = self._launch(job, worker)
            if running is None:
                return
            exit_code = running.process.wait()
            if not self._stopping:
                self._conclude(job, collect(folder, exit_code))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            self._forget(job)

    def _launch(self, job: Job, worker: WorkerProcess) -> _Running | None:
        # Under the lock: a cancel comes either before (seen in the status) or after (it kills).
        with self._wake:
            if self._stopping or self._jobs.get(job.job_id).status != "RUNNING":
                return None
            running = _Running(process=worker.launch(), gone=threading.Event())
            self._running[job.job_id] = running
            return running

    def _forget(self, job: Job) -> None:
        with self._wake:
            running = self._running.pop(job.job_id, None)
        if running is not None:
            if running.process.stdin is not None:
                running.process.stdin.close()
            running.gone.set()

    def _conclude(self, job: Job, outcome: Outcome) -> None:
        if outcome.error is not None:
            self._jobs.fail(job.job_id, **outcome.error)
            return
        finish = outcome.adopt_outputs(self._assets)
        if not self._jobs.succeed(job.job_id, finish):
            for output in finish.outputs:
                self._assets.discard(output.asset_id, output.filename)
