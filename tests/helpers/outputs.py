# SPDX-License-Identifier: GPL-3.0-or-later
"""Small outputs of the service for tests, honest and lying; and a character that they fit."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from myosapiens_addon.motion.character import Character, Joint, JointKind
from myosapiens_addon.motion.npz import NpzOutput
from myosapiens_addon.motion.parquet import QposOutput

X, Y, Z = np.eye(3)


def npy(array: np.ndarray) -> bytes:
    """What NumPy writes; an array of objects as a pickle."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def npy_of(description: str, data: bytes = b"", version: int = 1) -> bytes:
    """A `.npy` with any description."""
    text = description.encode()
    length = len(text).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes((version, 0)) + length + text + data


@dataclass
class Entry:
    """One member of an archive, and what its directory claims instead of the truth."""

    name: str
    data: bytes
    packed: bool = False
    size: int | None = None
    packed_size: int | None = None
    checksum: int | None = None
    flags: int = 0
    method: int | None = None
    offset: int | None = None


def write_zip(path: Path, entries: Sequence[Entry], count: int | None = None) -> Path:
    """An archive by hand, so that it can lie. APPNOTE 4.3.7, 4.3.12 and 4.3.16."""
    body, directory = b"", b""
    for entry in entries:
        raw = zlib.compress(entry.data, 9, -15) if entry.packed else entry.data
        method = entry.method if entry.method is not None else 8 * entry.packed
        size = len(entry.data) if entry.size is None else entry.size
        packed = len(raw) if entry.packed_size is None else entry.packed_size
        checksum = zlib.crc32(entry.data) if entry.checksum is None else entry.checksum
        name = entry.name.encode()
        offset = len(body) if entry.offset is None else entry.offset
        common = (entry.flags, method, 0, 0x21, checksum, packed, size, len(name), 0)
        body += struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, *common) + name + raw
        head = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, *common, 0, 0, 0, 0, offset)
        directory += head + name
    number = len(entries) if count is None else count
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, number, number, len(directory), len(body), 0)
    path.write_bytes(body + directory + end)
    return path


def npz_output(
    angles: Mapping[str, np.ndarray], metadata: Mapping[str, object] | None = None
) -> NpzOutput:
    """Angles by joint: (F,) or (F, 3) each."""
    return NpzOutput(
        name="output.npz",
        joint_angles=np.stack([np.asarray(column, float) for column in angles.values()], axis=1),
        joint_names=tuple(angles),
        metadata=dict(metadata or {}),
    )


def qpos_output(columns: Mapping[str, np.ndarray]) -> QposOutput:
    """Columns by name, at 100 Hz."""
    values = np.stack([np.asarray(column, float) for column in columns.values()], axis=1)
    return QposOutput(
        name="qpos.parquet",
        times=np.arange(len(values)) / 100.0,
        names=tuple(columns),
        values=values,
    )


def write_parquet(path: Path, columns: Mapping[str, object], **options: Any) -> Path:  # noqa: ANN401
    """A table as pyarrow writes it."""
    pq.write_table(pa.table(dict(columns)), path, **options)
    return path


def joint(name: str, body: int, axis: np.ndarray = X, **more: object) -> Joint:
    """A joint at its body's origin, a hinge unless `kind` says otherwise."""
    given = {"kind": JointKind.HINGE, "position": np.zeros(3), **more}
    return Joint(name=name, body=body, axis=np.asarray(axis, float), **given)  # type: ignore[arg-type]


def figure() -> Character:
    """A root, a hip of three hinges, a kneecap on a slide that rests off zero, and a shoulder."""
    tilted = np.array([np.cos(0.3), 0.0, np.sin(0.3), 0.0])
    return Character(
        title="figure",
        names=("pelvis", "femur_r", "patella_r", "humerus_r"),
        parents=np.array([-1, 0, 1, 0], np.int32),
        positions=np.array([[0.0, 0, 0.9], [0.1, 0, 0], [0, 0, -0.4], [0, 0, 0.5]]),
        rotations=np.array([[1.0, 0, 0, 0], tilted, [1.0, 0, 0, 0], tilted]),
        joints=(
            joint("free", 0, kind=JointKind.FREE),
            joint("hip_flex_r", 1, Z),
            joint("hip_abdu_r", 1, X),
            joint("hip_arot_r", 1, Y),
            joint("patella_ty_r", 2, Y, kind=JointKind.SLIDE, reference=-0.018),
            joint("patella_rz_r", 2, Z, reference=0.25),
            joint("shoulder_r", 3, kind=JointKind.BALL),
        ),
    )


def varint(value: int) -> bytes:
    """Thrift's: seven bits at a time, the lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


@dataclass(frozen=True)
class I32:
    """A 32-bit field; plain numbers are 64-bit ones."""

    value: int


def thrift(fields: Mapping[int, object]) -> bytes:
    """A structure in Thrift's compact protocol; every field with its number in full."""
    out = b""
    for number, value in fields.items():
        kind, data = _value(value)
        out += bytes((kind,)) + varint(number << 1) + data
    return out + b"\x00"


def _value(value: object) -> tuple[int, bytes]:
    if isinstance(value, I32 | int):
        number = value.value if isinstance(value, I32) else value
        kind = 5 if isinstance(value, I32) else 6
        return kind, varint(number << 1 if number >= 0 else -2 * number - 1)
    if isinstance(value, bytes):
        return 8, varint(len(value)) + value
    if isinstance(value, dict):
        return 12, thrift(value)
    assert isinstance(value, list)
    coded = [_value(item) for item in value]
    return 9, bytes((0xF0 | coded[0][0],)) + varint(len(coded)) + b"".join(d for _, d in coded)


def parquet_by_hand(
    path: Path,
    columns: Mapping[str, np.ndarray],
    *,
    page: Mapping[int, object] | None = None,
    column: Mapping[int, object] | None = None,
    chunk: Mapping[int, object] | None = None,
    group: Mapping[int, object] | None = None,
    schema: Mapping[int, object] | None = None,
    footer: Mapping[int, object] | None = None,
) -> Path:
    """A file of plain doubles, each column one page; fields given replace what is true.

    Their numbers are those of `parquet.thrift`: PageHeader, ColumnMetaData, ColumnChunk,
    RowGroup, SchemaElement and FileMetaData.
    """
    body, chunks = b"PAR1", []
    rows = len(next(iter(columns.values())))
    for name, values in columns.items():
        data = np.asarray(values, "<f8").tobytes()
        kind = {1: I32(len(values)), 2: I32(0), 3: I32(3), 4: I32(3)}
        about: dict[int, object] = {
            1: I32(0), 2: I32(len(data)), 3: I32(len(data)), 5: kind, **(page or {})
        }  # fmt: skip
        whole = thrift(about) + data
        meta: dict[int, object] = {
            1: I32(5), 2: [I32(0)], 3: [name.encode()], 4: I32(0), 5: len(values),
            6: len(whole), 7: len(whole), 9: len(body), **(column or {}),
        }  # fmt: skip
        chunks.append({2: len(body), 3: meta, **(chunk or {})})
        body += whole
    elements: list[dict[int, object]] = [{4: b"schema", 5: I32(len(columns))}]
    own = schema or {}
    elements += [{1: I32(5), 3: I32(0), 4: name.encode(), **own} for name in columns]
    groups = [{1: chunks, 2: len(body), 3: rows, **(group or {})}]
    about = {1: I32(2), 2: elements, 3: rows, 4: groups, **(footer or {})}
    end = thrift(about)
    path.write_bytes(body + end + len(end).to_bytes(4, "little") + b"PAR1")
    return path
