# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs for the numpy core: random trees, and the figure's own joints with other bones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from myosapiens_addon.motion import quaternion
from myosapiens_addon.retarget.mapping.roles import RoleMap
from myosapiens_addon.retarget.rig import Rig
from tests.helpers import figures

Chains = Mapping[str, tuple[str, ...]]


def random_turns(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Unit quaternions (…, 4), evenly spread."""
    out = rng.normal(size=(*shape, 4))
    return out / np.linalg.norm(out, axis=-1, keepdims=True)


def rig(
    names: Sequence[str],
    parents: np.ndarray,
    heads: np.ndarray,
    tails: np.ndarray,
    rotations: np.ndarray,
    **more: object,
) -> Rig:
    """A rig with Blender's own settings where nothing else is said."""
    count = len(names)
    settings: dict[str, object] = {
        "body_rest_rotations": np.full((count, 4), np.nan),
        "rotation_modes": ("QUATERNION",) * count,
        "inherits_rotation": np.ones(count, np.bool_),
        "local_location": np.ones(count, np.bool_),
        "connected": np.zeros(count, np.bool_),
    } | more
    return Rig(
        name="Target",
        names=tuple(names),
        parents=np.asarray(parents, np.int32),
        rest_positions=heads,
        rest_tails=tails,
        rest_rotations=rotations,
        **settings,  # pyright: ignore[reportArgumentType]
    )


def random_tree(seed: int, count: int = 8) -> Rig:
    """Bones that hang on each other at random, with all settings mixed."""
    rng = np.random.default_rng(seed)
    parents = [-1] + [int(rng.integers(-1, place)) for place in range(1, count)]
    heads = rng.normal(size=(count, 3))
    return rig(
        [f"bone {place}" for place in range(count)],
        np.array(parents),
        heads,
        heads + rng.normal(size=(count, 3)),
        random_turns(rng, count),
        inherits_rotation=rng.random(count) < 0.7,
        local_location=rng.random(count) < 0.6,
    )


def figure_rig(
    *,
    turn: np.ndarray | None = None,
    size: float = 1.0,
    seed: int = 0,
    drop: Sequence[str] = (),
    reach_deg: float = 0.0,
) -> tuple[Rig, Chains]:
    """The figure's joints as an armature with random rolls, names that tell nothing, and roles.

    Args:
        turn: (3, 3) of everything.
        size: of everything.
        seed: of the rolls.
        drop: words of roles that it shall not have.
        reach_deg: how far the arms are lifted sideways.
    """
    chains = {
        role: bodies
        for role, bodies in figures.chains().items()
        if role.partition(".")[0] not in drop
    }
    kept = [name for name in figures.NAMES if any(name in bodies for bodies in chains.values())]
    at = [figures.NAMES.index(name) for name in kept]
    heads = _lifted(reach_deg)[at] @ (np.eye(3) if turn is None else turn).T * size
    parents = np.array([_above(name, kept) for name in kept])
    tails = np.array([_tail(place, heads, parents) for place in range(len(kept))])
    names = [f"b{place:03d}" for place in range(len(kept))]
    made = rig(names, parents, heads, tails, _axes(tails - heads, seed))
    renamed = dict(zip(kept, names, strict=True))
    return made, {role: tuple(renamed[n] for n in bodies) for role, bodies in chains.items()}


def _lifted(degrees: float) -> np.ndarray:
    out = figures.RESTS.copy()
    angle = np.radians(degrees)
    for sign, end in ((1.0, "_l"), (-1.0, "_r")):
        shoulder = out[figures.NAMES.index(f"humerus{end}")].copy()
        c, s = np.cos(angle), np.sin(sign * angle)
        lift = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
        rows = [row for row, name in enumerate(figures.NAMES) if _in_arm(name, end)]
        out[rows] = shoulder + (out[rows] - shoulder) @ lift.T
    return out


def _in_arm(name: str, end: str) -> bool:
    words = ("humerus", "ulna", "radius", "lunate", "metacarpal", "phalanx")
    return name.endswith(end) and any(word in name for word in words)


def _above(name: str, kept: Sequence[str]) -> int:
    at = int(figures.PARENTS[figures.NAMES.index(name)])
    while at >= 0 and figures.NAMES[at] not in kept:
        at = int(figures.PARENTS[at])
    return kept.index(figures.NAMES[at]) if at >= 0 else -1


def _tail(place: int, heads: np.ndarray, parents: np.ndarray) -> np.ndarray:
    children = np.flatnonzero(parents == place)
    far = [c for c in children if np.linalg.norm(heads[c] - heads[place]) > 1e-6]
    if far:
        return heads[far[0]]
    return heads[place] + 0.5 * (heads[place] - heads[parents[place]])


def _axes(spans: np.ndarray, seed: int) -> np.ndarray:
    y = spans / np.linalg.norm(spans, axis=1, keepdims=True)
    rng = np.random.default_rng(seed)
    x = np.cross(y, rng.normal(size=y.shape))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return quaternion.from_matrix(np.stack([x, y, np.cross(x, y)], axis=-1))


def role_map(chains: Chains, **rig_says: object) -> RoleMap:
    """A map without a file."""
    return RoleMap(chains=chains, title="By hand", rig=rig_says)
