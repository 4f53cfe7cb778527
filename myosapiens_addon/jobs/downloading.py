# SPDX-License-Identifier: GPL-3.0-or-later
"""SOLVED → FINISHED: the outputs are fetched."""

from __future__ import annotations

import re
import time
from types import MappingProxyType

from ..service.errors import NotFoundError
from .events import Downloading
from .record import Stage
from .run import Run

FILE_NAMES = {
    "motion": "motion.glb",
    "qpos": "qpos.parquet",
    "xpos": "xpos.parquet",
    "model": "model.mjb",
    "retarget_output": "output.npz",
}
UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


def download(run: Run) -> None:
    """Fetch each output that is wanted and not here yet.

    Raises:
        NotFoundError: none of the wanted outputs is there.
        TransferError: one cannot be fetched or written.
    """
    begun = time.monotonic()
    for name, asset_id in _wanted(run).items():
        here = run.record.files.get(name)
        if here is not None and here.is_file():
            continue
        target = run.record.spec.out_dir / file_name(name)
        run.client.download_asset(
            asset_id=asset_id, target=target, progress=run.progress(Downloading, target.name)
        )
        run.write(files=MappingProxyType({**run.record.files, name: target}))
    run.write(stage=Stage.FINISHED, fault=None, seconds=run.spent("download", begun))


def file_name(output: str) -> str:
    """The file that an output goes to; a name of the service's own becomes no path."""
    return FILE_NAMES.get(output) or f"{UNSAFE.sub('_', output)[:64] or 'output'}.bin"


def _wanted(run: Run) -> dict[str, str]:
    outputs, names = run.record.outputs, run.record.spec.outputs
    wanted = {name: outputs[name] for name in outputs if names is None or name in names}
    if not wanted:
        raise NotFoundError(
            f"None of the outputs asked for is there; the job has {', '.join(outputs)}."
        )
    return wanted
