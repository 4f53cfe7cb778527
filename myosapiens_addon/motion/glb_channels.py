# SPDX-License-Identifier: GPL-3.0-or-later
"""The animation channels of a GLB, and their keys.

Source: Khronos glTF 2.0 specification, chapter 3.11 (animations).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .glb_container import FLOAT, TYPES, shown
from .glb_curve import CUBIC, LINEAR, STEP, Curve

if TYPE_CHECKING:
    from .glb_container import Container, Json
    from .motion import FloatArray

TRANSLATION, ROTATION, SCALE = "translation", "rotation", "scale"
PATHS = {TRANSLATION: "VEC3", ROTATION: "VEC4", SCALE: "VEC3"}
# Keys of a cubic spline each stand between two tangents.
FLOAT_BYTES = 4
VALUES_A_KEY = {LINEAR: 1, STEP: 1, CUBIC: 3}

# By node, then by path: the channel's sampler, as the file has it.
Channels = dict[int, dict[str, "Json"]]


def read_channels(container: Container) -> Channels:
    """What the first animation moves; keys are not looked at yet.

    Raises:
        OutputError: there is no animation, or a channel is damaged.
    """
    animations = container.items("animations")
    if not animations:
        raise container.error("holds no animation")
    samplers = container.list_of(animations[0], "samplers")
    channels: Channels = {}
    for entry in container.list_of(animations[0], "channels"):
        target = container.object_of(entry, "target")
        path: object = target.get("path")
        # A target without a node is an extension's, and not for us.
        if "node" not in target or not isinstance(path, str) or path not in PATHS:
            continue
        container.at("nodes", target["node"])
        index: object = entry.get("sampler")
        if type(index) is not int or not 0 <= index < len(samplers):
            raise container.error(f"is damaged: it refers to animation sampler {shown(index)}")
        found = channels.setdefault(target["node"], {})
        if path in found:
            what = f"is damaged: two channels move the {path} of node {target['node']}"
            raise container.error(what)
        found[path] = samplers[index]
    return channels


class Keys:
    """Reads the keys of channels: times that are the same become one array."""

    def __init__(self, container: Container, most: int) -> None:
        """Begin with a file of whose channels none may have more keys than `most`."""
        self._container = container
        self._most = most
        self._axes: dict[bytes, FloatArray] = {}
        self._latest: tuple[bytes, FloatArray] = b"", np.empty(0)

    def curve(self, sampler: Json, path: str) -> Curve:
        """The curve of a sampler.

        Raises:
            OutputError: its accessors do not fit each other or the path.
        """
        how: object = sampler.get("interpolation", LINEAR)
        if not isinstance(how, str) or how not in VALUES_A_KEY:
            raise self._container.error(f"animates with curves of an unknown kind, {shown(how)}")
        times = self._times(sampler.get("input"))
        entry, values = self._container.stored(sampler.get("output"))
        component = entry["componentType"]
        if component != FLOAT and (path != ROTATION or entry.get("normalized") is not True):
            raise self._container.error(f"is damaged: a {path} has values that are no floats")
        if entry["type"] != PATHS[path] or len(times) * VALUES_A_KEY[how] != len(values):
            what = f"is damaged: {len(times)} times for {len(values)} values of a {path}"
            raise self._container.error(what)
        return Curve(times, values, TYPES[component][1], how)

    def _times(self, index: object) -> FloatArray:
        """A time axis: (N,) in s. Every channel has one of its own, and most are equal."""
        entry = self._container.at("accessors", index)
        if entry.get("type") != "SCALAR" or entry.get("componentType") != FLOAT:
            raise self._container.error(f"is damaged: accessor {index} holds no times")
        start, number, stride = self._container.span(entry, FLOAT_BYTES)
        if number > self._most:
            raise self._container.error(f"moves so many bodies at {number} times from few keys")
        if stride == FLOAT_BYTES:
            content = bytes(self._container.binary[start : start + number * FLOAT_BYTES])
        else:
            content = self._container.stored(index)[1].tobytes()
        # Comparing with the one before costs less than looking it up.
        if self._latest[0] != content:
            if content not in self._axes:
                self._axes[content] = self._rising(content)
            self._latest = content, self._axes[content]
        return self._latest[1]

    def _rising(self, content: bytes) -> FloatArray:
        times = np.frombuffer(content, TYPES[FLOAT][0]).astype(np.float64)
        if not (times[0] >= 0.0 and np.isfinite(times[-1]) and np.all(times[1:] > times[:-1])):
            raise self._container.error("is damaged: the times of a channel do not rise from 0")
        return times
