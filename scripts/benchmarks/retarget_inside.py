# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by a Python with bpy: how long a take takes onto a rig, against the bare keys and a bake.

Prints one line of JSON. With `memory` or `peak` and a way as arguments it measures memory alone,
because that wants a process in which nothing has happened yet.
"""

from __future__ import annotations

import gc
import json
import os
import re
import statistics
import sys
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import bpy
import numpy as np

from benchmarks import long_take, rigs_inside
from myosapiens_addon.blender import armature, compat
from myosapiens_addon.blender.landing_options import CAPTURE_RATE, SCENE_RATE, LandingOptions
from myosapiens_addon.motion import glb
from myosapiens_addon.retarget import choosing
from tests.helpers.targets import Look, rig_like

if TYPE_CHECKING:
    from myosapiens_addon.motion.motion import Motion

BONES = 60
FRAMES = 8_000
LENGTHS = (2_000, 8_000, 32_000)
RUNS, LONG_RUNS = 9, 6
LOOK = Look(abduction_deg=45.0, roll_seed=7)
WAYS = {
    "no contacts": LandingOptions(rate=CAPTURE_RATE, contacts=False),
    "contacts": LandingOptions(rate=CAPTURE_RATE, contacts=True),
    "scene rate": LandingOptions(rate=SCENE_RATE, contacts=True),
}
AT_CAPTURE = ("no contacts", "contacts")


class Bench:
    """A take of any length, and a rig for it."""

    def __init__(self, walk: Path) -> None:
        self.short = glb.read(walk / "motion_nomesh.glb")
        self.bodies = long_take.fewer(choosing.roles_of_bodies(self.short), BONES)
        self.rig, self.bones = rig_like(self.short, self.bodies, LOOK)

    def take(self, frames: int) -> Motion:
        """The walk, there and back, with every joint turning."""
        return long_take.stirred(long_take.there_and_back(self.short, frames))

    def timed(self, frames: int, way: str, turn: int = 0) -> dict[str, float]:
        """Seconds of one take, whole and in parts, and of its bare keys.

        Who comes first finds other memory than who comes last; so the three take turns.
        """
        motion = self.take(frames)
        rigs_inside.new_file()
        made = rigs_inside.keys_for(motion, rigs_inside.build(self.rig), self.bones, WAYS[way])
        spent: dict[str, float] = {}
        whats = ("whole", "bare", "finished")
        for what in (*whats[turn % 3 :], *whats[: turn % 3]):
            rigs_inside.new_file()
            target = rigs_inside.build(self.rig)
            gc.collect()
            if what == "whole":
                spent |= self._put_on(motion, target, way)
            else:
                spent[what] = rigs_inside.write_bare(made, finish=what == "finished")
        return {
            "to bare": spent["whole"] / spent["bare"],
            "to finished": spent["whole"] / spent["finished"],
            "count": sum(len(channel.keys) // 2 for bone in made.bones for channel in bone),
            **spent,
        }

    def _put_on(self, motion: Motion, target: bpy.types.Object, way: str) -> dict[str, float]:
        started = time.perf_counter()
        made = rigs_inside.keys_for(motion, target, self.bones, WAYS[way])
        keyed = time.perf_counter()
        rigs_inside.write(made, target)
        ended = time.perf_counter()
        return {"keys": keyed - started, "write": ended - keyed, "whole": ended - started}

    def medians(self, cases: list[tuple[int, str]], runs: int) -> list[dict[str, float]]:
        """Medians over several takes of each case, taken in turn: others use the machine too."""
        found = [[self.timed(*case, turn) for case in cases] for turn in range(runs)]
        return [
            {key: statistics.median(row[key] for row in rows) for key in rows[0]}
            for rows in zip(*found, strict=True)
        ]

    def against_bake(self) -> dict[str, float]:
        """Seconds of a bake, and by way how many takes go into them: the slower of two beside."""
        before = {way: self.timed(FRAMES, way)["whole"] for way in AT_CAPTURE}
        spent = self.baked(FRAMES)
        after = {way: self.timed(FRAMES, way)["whole"] for way in AT_CAPTURE}
        times = {way: spent / max(before[way], after[way]) for way in AT_CAPTURE}
        return {"seconds": spent, **times}

    def baked(self, frames: int) -> float:
        """Seconds that Blender's own way takes: constraints from a playing armature, and a bake."""
        scene = rigs_inside.new_file(fps=round(self.short.rate_hz))
        motion = self.take(frames)
        source = armature.build(motion, name="Source")
        rigs_inside.put_on(motion, source, None, LandingOptions(rate=CAPTURE_RATE))
        target = rigs_inside.build(self.rig)
        for role, bones in self.bones.chains.items():
            for bone, body in zip(bones, self.bodies.chains[role], strict=True):
                copies: Any = target.pose.bones[bone].constraints.new("COPY_ROTATION")
                copies.target, copies.subtarget = source, body
        scene.frame_start, scene.frame_end = 1, frames
        rigs_inside.select_all_bones(target)
        started = time.perf_counter()
        bpy.ops.nla.bake(
            frame_start=1,
            frame_end=frames,
            only_selected=True,
            visual_keying=True,
            clear_constraints=False,
            use_current_action=False,
            bake_types={"POSE"},
        )
        spent = time.perf_counter() - started
        curves = compat.curves_of(target.animation_data.action)
        if sum(len(curve.keyframe_points) for curve in curves) < 4 * BONES * frames:
            raise RuntimeError("the bake did not key every bone on every frame")
        return spent

    def memory(self, way: str) -> dict[str, float]:
        """Bytes that Python holds at most, and that Blender keeps of the bare keys."""
        target, motion = self._ready(way)
        made = rigs_inside.keys_for(motion, target, self.bones, WAYS[way])
        gc.collect()
        before = _memory("VmRSS")
        rigs_inside.write_bare(made)
        kept = _memory("VmRSS") - before
        del made
        gc.collect()
        tracemalloc.start()
        rigs_inside.put_on(motion, target, self.bones, WAYS[way])
        python = tracemalloc.get_traced_memory()[1]
        return {"kept": kept, "python": python}

    def peak(self, way: str) -> dict[str, float]:
        """Bytes by which the process grows at most."""
        target, motion = self._ready(way)
        before = _memory("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        rigs_inside.put_on(motion, target, self.bones, WAYS[way])
        return {"peak": _memory("VmHWM") - before}

    def _ready(self, way: str) -> tuple[bpy.types.Object, Motion]:
        """A rig and a take, after a short take, so that modules and caches are there."""
        rigs_inside.new_file()
        target = rigs_inside.build(self.rig)
        motion = self.take(FRAMES)
        rigs_inside.put_on(self.take(300), target, self.bones, WAYS[way])
        gc.collect()
        return target, motion


def _memory(what: str) -> float:
    """Bytes of memory that the process holds, or held at most, where the system tells."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return 1024.0 * int(found[1]) if found else np.nan


def main(walk: Path, what: str, way: str = "") -> dict[str, Any]:
    """All figures of this Blender."""
    bench = Bench(walk)
    if what in ("memory", "peak"):
        return getattr(bench, what)(way)
    found: dict[str, Any] = {"blender": bpy.app.version_string}
    bench.timed(500, "contacts")
    ways = bench.medians([(FRAMES, way) for way in WAYS], RUNS)
    found["ways"] = dict(zip(WAYS, ways, strict=True))
    lengths = bench.medians([(frames, "contacts") for frames in LENGTHS], LONG_RUNS)
    found["lengths"] = dict(zip(LENGTHS, lengths, strict=True))
    found["baked"] = bench.against_bake()
    return found


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), *sys.argv[2:])), flush=True)
    os._exit(0)
