# SPDX-License-Identifier: GPL-3.0-or-later
"""How alike a take and an armature look, from joints and matrices alone.

Nothing of the product's own retargeting is used: directions between joints are compared where a
limb shows them, and elsewhere what a rigid part carries along from its rest pose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from myosapiens_addon.motion import quaternion
from myosapiens_addon.motion.motion import Motion

SIDES = (".L", ".R")
SEGMENTS = {
    "upper_arm": "forearm", "forearm": "hand", "thigh": "shin", "shin": "foot", "hand": "middle",
}  # fmt: skip
FINGERS = ("thumb", "index", "middle", "ring", "little")
LEGS = ("thigh", "shin", "foot", "toe")


@dataclass(frozen=True, kw_only=True, eq=False)
class Shown:
    """A figure with roles, over K frames.

    Attributes:
        heads: role → (n, K, 3) joints of the chain's bones.
        turns: role → (n, K, 3, 3) what each bone has turned since rest.
        rest: role → (n, 3) joints at rest.
        along: role → (n, 3) where bones point at rest; bodies have no such thing.
        up: (3,) which way is up.
        left: (3,) which way is left at rest.
    """

    heads: Mapping[str, np.ndarray]
    turns: Mapping[str, np.ndarray]
    rest: Mapping[str, np.ndarray]
    up: np.ndarray
    left: np.ndarray
    along: Mapping[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])

    @property
    def axes(self) -> np.ndarray:
        """(3, 3) columns: left, up, forward at rest."""
        return np.stack([self.left, self.up, np.cross(self.left, self.up)], axis=-1)


def of_motion(motion: Motion, chains: Mapping[str, Sequence[str]], rows: Sequence[int]) -> Shown:
    """The figure of a take in some of its frames."""
    place = {name: index for index, name in enumerate(motion.names)}
    found = {role: [place[name] for name in names] for role, names in chains.items()}
    since = quaternion.to_matrix(
        quaternion.multiply(motion.rotations, quaternion.conjugate(motion.rest_rotations))
    )
    rows = list(rows)
    return Shown(
        heads={role: motion.positions[rows][:, at].swapaxes(0, 1) for role, at in found.items()},
        turns={role: since[rows][:, at].swapaxes(0, 1) for role, at in found.items()},
        rest={role: motion.rest_positions[at] for role, at in found.items()},
        up=np.array([0.0, 0.0, 1.0]),
        left=np.array([1.0, 0.0, 0.0]),
    )


def of_matrices(
    names: Sequence[str],
    matrices: np.ndarray,
    rests: np.ndarray,
    chains: Mapping[str, Sequence[str]],
    up: Sequence[float],
    left: Sequence[float],
) -> Shown:
    """An armature's: matrices (K, N, 4, 4) in its space, and (N, 4, 4) at rest."""
    place = {name: index for index, name in enumerate(names)}
    found = {role: [place[name] for name in bones] for role, bones in chains.items()}
    heads = matrices[..., :3, 3]
    since = matrices[..., :3, :3] @ np.swapaxes(rests[:, :3, :3], -1, -2)
    return Shown(
        heads={role: heads[:, at].swapaxes(0, 1) for role, at in found.items()},
        turns={role: since[:, at].swapaxes(0, 1) for role, at in found.items()},
        rest={role: rests[at, :3, 3] for role, at in found.items()},
        up=np.array(up, np.float64),
        left=np.array(left, np.float64),
        along={role: rests[at, :3, 1] for role, at in found.items()},
    )


def angles(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Degrees between directions (…, 3) and others."""
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1)))


def to_armature(take: Shown, target: Shown) -> np.ndarray:
    """(3, 3) the take's axes in the armature's: up onto up, turned about what is across both."""
    if np.allclose(take.up, target.up):
        return np.eye(3)
    axis = np.cross(take.up, target.up)
    if np.linalg.norm(axis) < 1e-9:
        return np.diag([1.0, -1.0, -1.0])
    cosine = float(take.up @ target.up)
    skew = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.eye(3) + skew + skew @ skew / (1.0 + cosine)


def limbs(take: Shown, target: Shown) -> dict[str, float]:
    """Role → the most degrees between the directions from joint to joint of its segments."""
    turned = to_armature(take, target)
    return {
        label: float(angles(theirs @ turned.T, ours).max())
        for label, theirs, ours in _segments(take, target)
    }


def _segments(take: Shown, target: Shown) -> list[tuple[str, np.ndarray, np.ndarray]]:
    out: list[tuple[str, np.ndarray, np.ndarray]] = []
    both = set(take.heads) & set(target.heads)
    for side in SIDES:
        for word, end in SEGMENTS.items():
            if {f"{word}{side}", f"{end}{side}"} <= both:
                start, stop = f"{word}{side}", f"{end}{side}"
                out.append((start, _way(take, start, stop), _way(target, start, stop)))
        for finger in FINGERS:
            role = f"{finger}{side}"
            if role not in both or len(take.heads[role]) != len(target.heads[role]):
                continue
            for place in range(len(take.heads[role]) - 1):
                ways = [s.heads[role][place + 1] - s.heads[role][place] for s in (take, target)]
                out.append((f"{role}{place}", ways[0], ways[1]))
    return out


def _way(shown: Shown, start: str, end: str) -> np.ndarray:
    return shown.heads[end][0] - shown.heads[start][0]


def trunk(take: Shown, target: Shown) -> dict[str, float]:
    """Role → how far its left and up, as it carries them from rest, are apart at most, degrees."""
    turned = to_armature(take, target)
    out: dict[str, float] = {}
    for role in ("pelvis", "spine", "head"):
        if role in take.turns and role in target.turns:
            theirs = turned @ take.turns[role][-1] @ take.axes
            ours = target.turns[role][-1] @ target.axes
            out[role] = float(angles(theirs.swapaxes(-1, -2), ours.swapaxes(-1, -2)).max())
    return out


def palms(take: Shown, target: Shown) -> dict[str, float]:
    """Side → degrees between the normals of the palms, through wrist and knuckles."""
    turned = to_armature(take, target)
    return {
        side: float(angles(_palm(take, side) @ turned.T, _palm(target, side)).max())
        for side in SIDES
        if all(
            {f"{r}{side}" for r in ("hand", *FINGERS[1:])} <= set(s.heads) for s in (take, target)
        )
    }


def _palm(shown: Shown, side: str) -> np.ndarray:
    way = _way(shown, f"hand{side}", f"middle{side}")
    return np.cross(way, _way(shown, f"little{side}", f"index{side}"))


def feet(take: Shown, target: Shown) -> dict[str, float]:
    """Side → degrees between where the feet point, each measured from how it stands at rest."""
    return {
        side: float(angles(*_carried_ways(take, target, side)).max())
        for side in SIDES
        if f"foot{side}" in take.heads and f"foot{side}" in target.heads
    }


def _carried_ways(take: Shown, target: Shown, side: str) -> tuple[np.ndarray, np.ndarray]:
    turned = to_armature(take, target)
    foot, toe = f"foot{side}", f"toe{side}"
    rest = take.rest[toe][0] - take.rest[foot][0]
    seen = (_way(take, foot, toe) / np.linalg.norm(rest)) @ turned.T
    standing = _standing(target, side) @ _standing(take, side).T @ (rest / np.linalg.norm(rest))
    return seen, target.turns[foot][0] @ standing


def _standing(shown: Shown, side: str) -> np.ndarray:
    """(3, 3) columns: where a foot points at rest, level; up; across."""
    ahead = np.cross(shown.left, shown.up)
    if f"toe{side}" in shown.rest:
        ahead = shown.rest[f"toe{side}"][0] - shown.rest[f"foot{side}"][0]
    elif f"foot{side}" in shown.along:
        ahead = shown.along[f"foot{side}"][0]
    ahead = ahead - (ahead @ shown.up) * shown.up
    ahead = ahead / np.linalg.norm(ahead)
    return np.stack([ahead, shown.up, np.cross(ahead, shown.up)], axis=-1)


def leg_length(shown: Shown) -> float:
    """Thigh and shin, the mean of both sides."""
    return float(
        np.mean(
            [
                np.linalg.norm(shown.rest[f"shin{side}"][0] - shown.rest[f"thigh{side}"][0])
                + np.linalg.norm(shown.rest[f"foot{side}"][0] - shown.rest[f"shin{side}"][0])
                for side in SIDES
            ]
        )
    )


def hips(shown: Shown) -> np.ndarray:
    """(K, 3) the middle between the hip joints."""
    return 0.5 * (shown.heads["thigh.L"][0] + shown.heads["thigh.R"][0])
