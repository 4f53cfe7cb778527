# SPDX-License-Identifier: GPL-3.0-or-later
"""The animation channels of a GLB, sampled at any moments.

Source: Khronos glTF 2.0 specification, appendix C (animation sampler interpolation modes).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import quaternion

if TYPE_CHECKING:
    from .glb_container import Container, Json
    from .motion import FloatArray

PATHS = {"translation": "VEC3", "rotation": "VEC4"}


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The keys of one channel: times (N,) in s, values (N, 3) in m or (N, 4) as w x y z."""

    times: FloatArray
    values: FloatArray
    interpolation: str

    def at(self, moments: FloatArray) -> FloatArray:
        """Values at the moments (M,); before the first key and after the last they hold."""
        if len(moments) == len(self.times) and np.array_equal(moments, self.times):
            return self.values
        last = len(self.times) - 1
        before = np.clip(np.searchsorted(self.times, moments, side="right") - 1, 0, last)
        if self.interpolation == "STEP" or last == 0:
            return self.values[before]
        after = np.minimum(before + 1, last)
        span = np.where(after > before, self.times[after] - self.times[before], 1.0)
        fraction = np.clip((moments - self.times[before]) / span, 0.0, 1.0)
        start, end = self.values[before], self.values[after]
        if self.values.shape[1] == 4:
            return quaternion.slerp(start, end, fraction)
        return start + fraction[:, None] * (end - start)


@dataclass(frozen=True, kw_only=True)
class Channel:
    """What moves one node."""

    translation: Curve | None = None
    rotation: Curve | None = None

    def axes(self) -> list[FloatArray]:
        """The time axes of its curves."""
        return [curve.times for curve in (self.translation, self.rotation) if curve is not None]


def read_channels(container: Container) -> dict[int, Channel]:
    """The channels of the first animation, by node index.

    Raises:
        OutputError: there is no animation, or a channel is damaged.
    """
    animations = container.items("animations")
    if not animations:
        raise container.error("holds no animation")
    curves: dict[int, dict[str, Curve]] = {}
    shared_times: dict[bytes, FloatArray] = {}
    for entry in container.list_of(animations[0], "channels"):
        target = container.object_of(entry, "target")
        path = target.get("path")
        if path not in PATHS:
            continue
        container.at("nodes", target.get("node"))
        curve = _read_curve(container, animations[0], entry, path, shared_times)
        curves.setdefault(target["node"], {})[path] = curve
    return {node: Channel(**found) for node, found in curves.items()}


def _read_curve(
    container: Container,
    animation: Json,
    channel: Json,
    path: str,
    shared_times: dict[bytes, FloatArray],
) -> Curve:
    samplers = container.list_of(animation, "samplers")
    index = channel.get("sampler")
    if not isinstance(index, int) or not 0 <= index < len(samplers):
        raise container.error(f"is damaged: it refers to animation sampler {index!r}")
    sampler = samplers[index]
    interpolation = str(sampler.get("interpolation", "LINEAR"))
    if interpolation not in ("LINEAR", "STEP"):
        raise container.error(f"animates with {interpolation} curves; LINEAR or STEP are needed")
    times = container.accessor(sampler.get("input"), "SCALAR")
    times = shared_times.setdefault(times.tobytes(), times)
    values = container.accessor(sampler.get("output"), PATHS[path])
    if len(times) == 0 or len(times) != len(values):
        raise container.error(f"is damaged: {len(times)} times for {len(values)} values")
    if np.any(np.diff(times) <= 0.0):
        raise container.error("is damaged: the times of a channel do not rise")
    if path == "rotation":
        values = values[:, [3, 0, 1, 2]]
    return Curve(times=times, values=values, interpolation=interpolation)
