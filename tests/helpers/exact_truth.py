# SPDX-License-Identifier: GPL-3.0-or-later
"""World poses that are known from elsewhere, and how far found ones are from them."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from myosapiens_addon.motion.angle_names import ball_angle_names
from myosapiens_addon.motion.character import Character, JointKind
from myosapiens_addon.motion.quaternion import angle_between, conjugate, multiply

POSITION, ROTATION, TURN = "position", "rotation", "turn"


@dataclass(frozen=True, kw_only=True, eq=False)
class Truth:
    """F frames of T bodies; Z up.

    Attributes:
        names: the T body names, each once.
        rotations: (F, T, 4) w x y z.
        positions: (F, T, 3) m; None where they cannot be held against what is found.
        turning: the bodies whose turn against the parent is all that counts; None for no such
            restriction.
    """

    names: tuple[str, ...]
    rotations: np.ndarray
    positions: np.ndarray | None = None
    turning: tuple[str, ...] | None = None

    def save(self, path: Path) -> Path:
        """Write what another Python loads."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        np.savez(path, **given)
        return path

    @classmethod
    def load(cls, path: Path) -> Truth:
        """What was saved."""
        with np.load(path, allow_pickle=False) as file:
            values = {name: file[name] for name in file.files}
        for name in values.keys() & {"names", "turning"}:
            values[name] = tuple(values[name].tolist())
        return cls(**values)

    def errors(
        self,
        names: tuple[str, ...],
        parents: np.ndarray,
        positions: np.ndarray,
        rotations: np.ndarray,
    ) -> dict[str, float]:
        """The largest errors over all bodies and frames: `position` in mm, others in degrees.

        Args:
            names: the B bodies that were found; the truth must have all of them.
            parents: (B,) index of each body's parent, -1 for none.
            positions: (F, B, 3) m.
            rotations: (F, B, 4) w x y z.
        """
        rows = [self.names.index(name) for name in names]
        wanted = self.rotations[:, rows]
        if self.turning is not None:
            bodies = [names.index(name) for name in self.turning]
            return {TURN: _apart(turns(rotations, parents, bodies), turns(wanted, parents, bodies))}
        found = {ROTATION: _apart(rotations, wanted)}
        if self.positions is not None:
            off = np.linalg.norm(positions - self.positions[:, rows], axis=-1)
            found[POSITION] = float(off.max() * 1e3)
        return found


def golden(walk: Path) -> Truth:
    """MuJoCo's own poses of the real take."""
    return Truth(
        names=tuple(json.loads((walk / "body_names.json").read_text())),
        positions=np.load(walk / "golden_xpos.npy"),
        rotations=np.load(walk / "golden_xquat.npy"),
    )


def on_other_lengths(truth: Truth, placed: Truth) -> Truth:
    """The rotations of one, which do not depend on lengths, and the positions of the other."""
    rows = [truth.names.index(name) for name in placed.names]
    return replace(placed, rotations=truth.rotations[:, rows])


def by_angles_alone(truth: Truth, character: Character, angle_names: Collection[str]) -> Truth:
    """What angles of some joints must reproduce: turns of bodies all of whose joints they tell."""
    return replace(truth, positions=None, turning=turning(character, angle_names))


def turning(character: Character, angle_names: Collection[str]) -> tuple[str, ...]:
    """Bodies whose turn against the parent follows from these angles; such as never turn too."""
    untold = {
        joint.body
        for joint in character.joints
        if joint.kind is not JointKind.SLIDE and not _is_told(joint.name, joint.kind, angle_names)
    }
    return tuple(
        name
        for body, name in enumerate(character.names)
        if body not in untold and character.parents[body] >= 0
    )


def _is_told(joint: str, kind: JointKind, angle_names: Collection[str]) -> bool:
    wanted = ball_angle_names(joint) if kind is JointKind.BALL else (joint,)
    return set(wanted) <= set(angle_names)


def turns(rotations: np.ndarray, parents: np.ndarray, bodies: list[int]) -> np.ndarray:
    """(F, N, 4) rotations of N bodies in their parents' axes."""
    return multiply(conjugate(rotations[:, parents[bodies]]), rotations[:, bodies])


def _apart(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.degrees(angle_between(found, wanted)).max())
