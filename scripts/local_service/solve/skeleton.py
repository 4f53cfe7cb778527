# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference skeleton, and how it is scaled to a subject.

One scale (x, y, z of the body's own frame) per body moves the bodies that hang on it and stretches
its shapes and sites; markers on it follow. Bodies share scales in groups, left and right always
the same one.
"""
# MuJoCo's spec objects come from a compiled module without types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

SKELETON_PATH = Path(__file__).with_name("skeleton.xml")
REFERENCE_STATURE_M = 1.75
REFERENCE_MASS_KG = 73.0

# Segment groups: bodies that share one scale, by the first word of their names; a body with another
# name shares its parent's. Left and right are never told apart.
GROUP_BY_WORD: Mapping[str, str] = {
    "human": "pelvis",
    "myoskeleton": "pelvis",
    "pelvis": "pelvis",
    "lumbar": "lumbar",
    "abdomen": "lumbar",
    "thoracic": "thorax",
    "cervical": "neck",
    "skull": "head",
    "clavicle": "shoulder",
    "scapula": "shoulder",
    "humerus": "upper_arm",
    "ulna": "forearm",
    "radius": "forearm",
    "lunate": "hand",
    "femur": "thigh",
    "patella": "thigh",
    "tibia": "shank",
    "talus": "foot",
    "calcaneus": "foot",
    "toes": "foot",
}
# Pelvis and thorax have one scale per axis: broad hips do not make a long trunk.
PER_AXIS_GROUPS = frozenset({"pelvis", "thorax"})

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Joint:
    """One joint of a model: where its values stand in qpos and how far it turns.

    Attributes:
        kind: "free", "ball", "slide" or "hinge".
        qpos: First column in qpos.
        dof: First column in the velocities.
        range: Least and greatest value (rad, or m for a slide), None without limit; a ball's
            greatest turn is `range[1]`.
    """

    name: str
    kind: str
    body: str
    qpos: int
    dof: int
    range: tuple[float, float] | None


def load_spec() -> Any:  # noqa: ANN401 (MjSpec has no type)
    """The reference skeleton as an editable `mujoco.MjSpec`."""
    return mujoco.MjSpec.from_file(str(SKELETON_PATH))


def load_model() -> Any:  # noqa: ANN401 (MjModel has no type)
    """The reference skeleton, compiled (`mujoco.MjModel`)."""
    return load_spec().compile()


def group_of(body: str) -> str | None:
    """The segment group of a body, None for a name without one."""
    return GROUP_BY_WORD.get(body.partition("_")[0])


def joints(model: Any) -> tuple[Joint, ...]:  # noqa: ANN401
    """The joints of a compiled model in model order."""
    return tuple(_joint(model, index) for index in range(model.njnt))


def _joint(model: Any, index: int) -> Joint:  # noqa: ANN401
    low, high = (float(value) for value in model.jnt_range[index])
    return Joint(
        name=model.joint(index).name,
        kind=("free", "ball", "slide", "hinge")[int(model.jnt_type[index])],
        body=model.body(int(model.jnt_bodyid[index])).name,
        qpos=int(model.jnt_qposadr[index]),
        dof=int(model.jnt_dofadr[index]),
        range=(low, high) if model.jnt_limited[index] else None,
    )


def scale_spec(spec: Any, scales: Mapping[str, Array], *, mass_kg: float | None = None) -> None:  # noqa: ANN401
    """Scale a spec in place.

    Args:
        spec: The `mujoco.MjSpec`, unscaled.
        scales: Scale factors (3,) along the body's own axes, by body name; bodies not named stay.
        mass_kg: The subject's mass; without it masses stay.
    """
    _scale_below(spec.worldbody, scales)
    if mass_kg is not None:
        factor = mass_kg / REFERENCE_MASS_KG
        for geom in spec.geoms:
            geom.mass *= factor


def _scale_below(parent: Any, scales: Mapping[str, Array]) -> None:  # noqa: ANN401
    # Downwards from the world: MuJoCo's Python crashes on asking the world for its parent.
    parent_scale = scales.get(parent.name, np.ones(3))
    for body in parent.bodies:
        body.pos = body.pos * parent_scale
        _scale_attached(body, scales.get(body.name, np.ones(3)))
        _scale_below(body, scales)


def _scale_attached(body: Any, scale: Array) -> None:  # noqa: ANN401
    for site in body.sites:
        site.pos = site.pos * scale
    for joint in body.joints:
        joint.pos = joint.pos * scale
    for geom in body.geoms:
        geom.pos = geom.pos * scale
        ends = np.asarray(geom.fromto)
        if np.isnan(ends[0]):
            geom.size = geom.size * scale
        else:
            geom.fromto = ends * np.tile(scale, 2)
            geom.size = geom.size * np.cbrt(scale.prod())
