# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads character definitions: what moves in a MuJoCo model (MJCF), without MuJoCo.

::

    files.py        the file and those that it includes → one tree of nodes
    compiler.py     settings of <compiler>: the units of angles, orders of Euler angles
    defaults.py     classes of <default> → what a joint takes from them
    orientation.py  the five ways to write a rotation
    tree.py         <worldbody> → bodies in their order, poses, the joints of each
    joints.py       one joint element → a Joint
    reader.py       all of it → a Character

Source: "XML Reference" and "Modeling" of MuJoCo, https://mujoco.readthedocs.io.
"""

from __future__ import annotations

from .reader import read

__all__ = ["read"]
