# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads `output.npz`: joint angles by name, frame by frame, without times."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..errors import OutputError
from .npz_container import NUMBERS, TEXT, Container

if TYPE_CHECKING:
    from pathlib import Path

    from .motion import FloatArray

# An hour at 240 Hz with 118 joints of three angles each fills 2.4 GB, of one angle 0.8 GB.
MOST_ANGLE_BYTES = 2 << 30
MOST_NAME_BYTES = 4 << 20
MOST_METADATA_BYTES = 1 << 20
ANGLES_PER_JOINT = 3
MOST_RATE_HZ = 1e6
RATE_KEYS = ("rate_hz", "rate", "fps", "capture_rate", "framerate", "frame_rate")


@dataclass(frozen=True, kw_only=True, eq=False)
class NpzOutput:
    """What `output.npz` holds. F frames, J joints.

    Attributes:
        name: the file's name, for messages.
        joint_angles: (F, J) or (F, J, 3) float64, in the file's unit (the service's is rad).
        joint_names: the J names, each once.
        metadata: what the file says of itself; empty where it says nothing that can be read.
        notes: sentences on what was passed over.
    """

    name: str
    joint_angles: FloatArray
    joint_names: tuple[str, ...]
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    notes: tuple[str, ...] = ()

    @property
    def frame_count(self) -> int:
        """Number of frames F."""
        return len(self.joint_angles)

    @property
    def rate_hz(self) -> float | None:
        """Frames per second as the metadata has them; None where they have none."""
        lowered = {key.lower(): value for key, value in self.metadata.items()}
        for key in RATE_KEYS:
            value: Any = lowered.get(key)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if number and 0.0 < value <= MOST_RATE_HZ:
                return float(value)
        return None


def read(path: Path) -> NpzOutput:
    """Decode an `output.npz`.

    Nothing is unpickled, and nothing is allocated before its size is known to be in the file.

    Raises:
        OutputError: the file is no `.npz`, is damaged, or lacks angles or names.
    """
    container = Container(path)
    names = _read_names(container)
    angles = _read_angles(container)
    if angles.shape[1] != len(names):
        raise container.error(f"has {len(names)} joint names for {angles.shape[1]} joints")
    metadata, notes = _read_metadata(container)
    return NpzOutput(
        name=container.name,
        joint_angles=angles,
        joint_names=names,
        metadata=metadata,
        notes=notes,
    )


def _read_angles(container: Container) -> FloatArray:
    raw = container.array("joint_angles", NUMBERS, MOST_ANGLE_BYTES)
    plain = raw.ndim == 2 or (raw.ndim == 3 and raw.shape[2] == ANGLES_PER_JOINT)
    if not plain:
        raise container.error(
            f"has joint_angles of shape {raw.shape}; (frames, joints) or (frames, joints, 3) "
            "is needed"
        )
    if raw.size == 0:
        raise container.error("holds no frames" if len(raw) == 0 else "holds no joints")
    if raw.size * 8 > MOST_ANGLE_BYTES:
        raise container.error(f"holds {raw.size:,} angles, far too many")
    angles = np.ascontiguousarray(raw, dtype=np.float64)
    if not np.all(np.isfinite(angles)):
        raise container.error("holds joint angles that are no numbers")
    return angles


def _read_names(container: Container) -> tuple[str, ...]:
    raw = container.array("joint_names", TEXT, MOST_NAME_BYTES)
    if raw.ndim != 1:
        raise container.error(f"has joint_names of shape {raw.shape}; one name per joint is needed")
    try:
        entries: list[str | bytes] = raw.tolist()
        names = tuple(
            entry.decode("utf-8") if isinstance(entry, bytes) else entry for entry in entries
        )
    except ValueError as error:
        raise container.error("is damaged: its joint names are no text") from error
    _check_names(container, names)
    return names


def _check_names(container: Container, names: tuple[str, ...]) -> None:
    seen: set[str] = set()
    for name in names:
        if not name.strip() or not name.isprintable():
            raise container.error(f"is damaged: it names a joint {ascii(name)[:60]}")
        if name in seen:
            raise container.error(f"names the joint {name[:60]} twice")
        seen.add(name)


def _read_metadata(container: Container) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What can be read of the metadata, and a sentence where something cannot."""
    if "metadata" not in container.members:
        return {}, ()
    try:
        text = _metadata_text(container)
        document: object = json.loads(text)
    except (OutputError, ValueError, RecursionError):
        document = None
    if isinstance(document, dict):
        return cast("dict[str, Any]", document), ()
    return {}, (f"The metadata of {container.name} are no JSON text and were passed over.",)


def _metadata_text(container: Container) -> str | bytes:
    """JSON as one text, or as an array of its bytes.

    Raises:
        OutputError: it is neither.
        ValueError: it is no text.
    """
    raw = container.array("metadata", (*TEXT, "u1", "i1"), MOST_METADATA_BYTES)
    if raw.dtype.kind in "iu":
        return raw.tobytes()
    if raw.size != 1:
        raise container.error("has metadata that are no single text")
    text: str | bytes = raw.reshape(-1)[0]
    return text
