# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients send: the upload announcement and the two revisions of a retarget request."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self, cast
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails

from .settings import MAX_UPLOAD_BYTES

_MEDIA_TYPE = r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(; ?[\x20-\x7e]+)?$"
_FRAMES = Field(ge=-1, le=10_000_000)


def _as_utf8(text: str) -> str:
    text.encode()  # a lone surrogate has no UTF-8: it could not be stored or sent back
    return text


def _as_json(value: dict[str, Any]) -> dict[str, Any]:
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    return value


def _not_zero(frames: int) -> int:
    if frames == 0:
        raise ValueError("0 frames are none; -1 means all")
    return frames


Text = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_as_utf8)]
Metadata = Annotated[dict[str, Any], AfterValidator(_as_json)]
Frames = Annotated[int, _FRAMES, AfterValidator(_not_zero)]
HeightM = Annotated[float, Field(gt=0, le=3, allow_inf_nan=False)]
WeightKg = Annotated[float, Field(gt=0, le=700, allow_inf_nan=False)]


class InitiateBody(BaseModel):
    """`POST /v1/assets/initiate`."""

    model_config = ConfigDict(extra="forbid")

    purpose: Literal["retarget"]
    filename: Text
    content_type: Annotated[str, Field(max_length=200, pattern=_MEDIA_TYPE)]
    expected_size_bytes: Annotated[int, Field(ge=0, le=MAX_UPLOAD_BYTES)] | None = None
    metadata: Metadata = Field(default_factory=dict)


class RetargetBody(BaseModel):
    """What both revisions of `POST /v1/runs/retarget` have."""

    model_config = ConfigDict(extra="forbid")

    markerset_asset_id: UUID | None = None
    markerset_s3: Text | None = None
    character_id: UUID
    character_version: Text
    enable_scaling: bool = True
    subject_gender: Literal["male", "female"] | None = None
    subject_height: HeightM | None = None
    subject_weight: WeightKg | None = None
    metadata: Metadata = Field(default_factory=dict)

    @classmethod
    def sources(cls) -> dict[str, str]:
        """The beginning of each file's field names, by the role of the file in the solve."""
        return {"c3d": "c3d", "markerset": "markerset"}

    @model_validator(mode="wrap")
    @classmethod
    def _check_sources(cls, data: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        # Around the fields' own checks, so that an answer names what is missing AND what is
        # unknown: that is how clients tell the revisions apart.
        problems = _source_problems(cls, data)
        try:
            body = handler(data)
        except ValidationError as error:
            problems = [_copy(line) for line in error.errors()] + problems
            raise ValidationError.from_exception_data(cls.__name__, problems) from None
        if problems:
            raise ValidationError.from_exception_data(cls.__name__, problems)
        return body

    def solve_options(self) -> dict[str, Any]:
        """The solver's keyword arguments that come from the body."""
        return {
            "enable_scaling": self.enable_scaling,
            "subject_gender": self.subject_gender,
            "subject_height_m": self.subject_height,
            "subject_weight_kg": self.subject_weight,
        }


class RetargetBody1(RetargetBody):
    """Revision 1."""

    c3d_asset_id: UUID | None = None
    c3d_s3: Text | None = None


class RetargetBody2(RetargetBody):
    """Revision 2."""

    tracker_asset_id: UUID | None = None
    tracker_s3: Text | None = None
    export_glb: bool = False
    mocap_scale: Annotated[int, Field(gt=0, le=1_000_000)] = 1000
    rotation: Literal["yup_to_zup", "ydown_to_zup"] | None = None
    clip_length: Frames = -1
    chunk_size: Frames = -1
    disable_contacts: bool = True
    n_frames_scaling: Annotated[int, Field(ge=1, le=100_000)] = 10

    @classmethod
    def sources(cls) -> dict[str, str]:
        """The tracker file takes the place of the C3D."""
        return {"c3d": "tracker", "markerset": "markerset"}

    def solve_options(self) -> dict[str, Any]:
        """Adds what revision 2 brought."""
        return {
            **super().solve_options(),
            "export_glb": self.export_glb,
            "mocap_scale": self.mocap_scale,
            "rotation": self.rotation,
            "clip_length": self.clip_length,
            "chunk_size": self.chunk_size,
            "disable_contacts": self.disable_contacts,
            "n_frames_scaling": self.n_frames_scaling,
        }


def _source_problems(cls: type[RetargetBody], data: object) -> list[InitErrorDetails]:
    problems: list[InitErrorDetails] = []
    if not isinstance(data, dict):
        return problems  # the handler says so
    body = cast("dict[str, Any]", data)
    for prefix in cls.sources().values():
        names = (f"{prefix}_asset_id", f"{prefix}_s3")
        given = [name for name in names if body.get(name) is not None]
        if not given:
            problems.append({"type": "missing", "loc": (names[0],), "input": None})
        elif len(given) == 2:
            why = {"error": ValueError(f"{names[0]} and {names[1]} exclude each other")}
            problems.append({"type": "value_error", "loc": (names[1],), "input": None, "ctx": why})
    return problems


def _copy(line: Any) -> InitErrorDetails:  # noqa: ANN401
    return {key: line[key] for key in ("type", "loc", "input", "ctx") if key in line}  # type: ignore[return-value]
