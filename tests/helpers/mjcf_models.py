# SPDX-License-Identifier: GPL-3.0-or-later
"""Character definitions to read: one per feature, and random ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from tests.helpers import real_character

MAIN = "main.xml"
GEOM = '<geom size=".1"/>'


def world(content: str, before: str = "") -> str:
    return f'<mujoco model="made">{before}<worldbody>{content}</worldbody></mujoco>'


def body(attributes: str = "", content: str = "") -> str:
    return f"<body {attributes}>{GEOM}{content}</body>"


def write(folder: Path, files: str | Mapping[str, str]) -> Path:
    """Write a definition's files; the first is the main one."""
    texts = {MAIN: files} if isinstance(files, str) else files
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / MAIN


def of_package() -> Path:
    """The main file of the real character; skips where it is not at hand."""
    try:
        return real_character.find()
    except FileNotFoundError as missing:
        pytest.skip(str(missing))


# One definition per feature

CLASSES = """<default>
  <default class="x"><joint axis="1 0 0"/>
    <default class="xx"><joint type="slide" ref=".25"/></default></default>
  <joint pos=".1 .2 .3" range="-20 40"/>
  <default class="y"><joint axis="0 1 0" limited="false"/></default>
</default>"""
TURNS = {
    "quat": 'quat="2 0 1 -1"',
    "euler": 'euler="30 -50 110"',
    "axisangle": 'axisangle="1 2 -2 75"',
    "xyaxes": 'xyaxes="1 1 0 .3 2 1"',
    "xyaxes_half": 'xyaxes="-1 0 0 0 1 .2"',
    "zaxis": 'zaxis="1 -2 .5"',
    "zaxis_up": 'zaxis="0 0 3"',
    "zaxis_down": 'zaxis="0 0 -2"',
}
SEQUENCES = ("xyz", "XYZ", "zyx", "ZYX", "xYz", "ZyX", "xzx", "YXy")


def _turned(turn: str) -> str:
    inner = body(f'name="b" pos="0 .3 .1" {turn}', '<joint axis="1 2 3" pos=".1 0 .2"/>')
    frame = (
        f'<frame pos=".1 .2 .3" {turn}>{inner}<joint name="f" pos="0 .1 0" axis="0 1 1"/></frame>'
    )
    return world(body(f'name="a" pos="1 2 3" {turn}', frame))


FEATURES: dict[str, str | dict[str, str]] = {
    **{f"turn_{name}": _turned(turn) for name, turn in TURNS.items()},
    **{
        f"euler_{sequence}": world(
            body('euler=".3 .5 -1.7"'), f'<compiler eulerseq="{sequence}" angle="radian"/>'
        )
        for sequence in SEQUENCES
    },
    "no_turn": world(body('quat="" pos="  "', '<joint axis="" range=" "/>')),
    "free": world(body('name="a" pos="1 2 3" euler="10 20 30"', "<freejoint/>" + body())),
    "free_as_joint": world(
        body('name="a" pos="1 2 3"', '<joint type="free" pos="1 1 1" ref="2" range="-1 1"/>'),
        '<default><joint axis="1 0 0" limited="true"/></default>',
    ),
    "free_in_frames": world(
        '<frame pos="1 2 3" euler="0 0 90">'
        + body('pos="1 0 0"', "<freejoint/>")
        + "</frame>"
        + body('pos="0 1 0"', '<frame pos="5 5 5"><freejoint name="f"/></frame>')
    ),
    "ball": world(
        body("", '<joint type="ball" pos=".1 .2 .3" axis="0 0 0" ref="5" range="0 90"/>')
    ),
    "several_joints": world(
        body(
            'euler="10 20 30"',
            '<joint type="slide" axis="1 1 0" ref=".3"/><joint axis="0 1 0" pos="0 .1 0" ref="40"/>'
            '<joint type="slide" axis="0 2 1" pos="1 1 1"/><joint axis="3 1 0" pos=".2 0 0"/>'
            '<joint type="slide" axis="0 0 -1"/>',
        )
    ),
    "order": world(
        body(
            'name="a"',
            body('name="b"', '<joint name="jb"/>')
            + '<joint name="ja"/><frame>'
            + body('name="c"', '<joint name="jc"/>')
            + '<frame pos="1 0 0"><joint name="jd" type="slide"/>'
            + body('name="d"', body('name="d1"'))
            + "</frame></frame>"
            + body('name="e"')
            + '<joint name="je" axis="1 0 0"/>',
        )
    ),
    "ranges": world(
        body(
            "",
            '<joint range="-180 10" ref="90"/><joint type="slide" range="-1 1"/>'
            '<joint range="0 0"/><joint range="1 -1"/><joint range="1 2" limited="false"/>'
            '<joint range="1 2" limited="auto"/>',
        )
    ),
    "ranges_not_by_themselves": world(
        body("", '<joint range="-2 1" limited="true"/><joint range="-2 1" limited="false"/>'),
        '<compiler autolimits="false" angle="radian"/>',
    ),
    "compilers": world(
        body("", '<joint ref="1"/>') + "</worldbody><worldbody>" + body('euler="1 2 3"'),
        '<compiler angle="radian"/><compiler eulerseq="zyx"/>',
    ).replace("</mujoco>", '<compiler autolimits="false"/></mujoco>'),
    "classes": world(
        body(
            'childclass="x"',
            "<joint/>"
            + body('childclass="y"', '<joint/><joint class="xx"/><joint class="main"/>')
            + '<frame childclass="xx"><joint/>'
            + body("", "<joint/>")
            + "<frame>"
            + '<joint class="y" axis="1 1 1"/></frame></frame>'
            + body("", "<joint/>"),
        ),
        CLASSES,
    ),
    "classes_afterwards": world(body("", '<joint class="y"/>')).replace(
        "</mujoco>", CLASSES + '<default class="main"><joint type="slide"/></default></mujoco>'
    ),
    "classes_do_not_touch_freejoints": world(body("", "<freejoint/>"), CLASSES),
    "mocap": world(
        body('name="target" mocap="true" pos="1 1 1" euler="0 0 30"', body("", "<joint/>"))
        + body("", "<joint/>")
    ),
    "copies_of_geometry": world(
        body("", f'<joint/><replicate count="3" offset="1 0 0"><frame>{GEOM}</frame></replicate>')
    ),
    "worlds": world(body('name="a"', "<joint/>") + "</worldbody><worldbody>" + body('name="b"')),
    "aligned_with_children": world(body("", '<freejoint align="true"/>' + body('pos="1 0 0"'))),
    "other_sections": world(
        body("", '<joint name="j"/><site name="s"/><camera/><light/>'),
        '<option timestep="0.01"/><size njmax="100"/><statistic extent="2"/>'
        '<visual><map fogstart="5"/></visual><custom><numeric name="n" data="1"/></custom>',
    ).replace(
        "</mujoco>",
        '<actuator><motor joint="j"/></actuator><sensor><jointpos joint="j"/></sensor>'
        '<keyframe><key qpos="1"/></keyframe></mujoco>',
    ),
    "includes": {
        MAIN: '<mujoco model="m"><compiler angle="radian"/><include file="parts/all.xml"/>'
        "<worldbody>"
        + body('name="a"', '<include file="parts/inner.xml"/>' + body())
        + '</worldbody><default><include file="classes.xml"/></default></mujoco>',
        "parts/all.xml": '<mujoco model="not this"><compiler angle="degree" eulerseq="zyx"/>'
        '<include file="more.xml"/><worldbody>'
        + body('euler="10 20 30"')
        + "</worldbody></mujoco>",
        # Looked for beside the main file first, then beside the one that includes it.
        "parts/more.xml": "<any><worldbody>" + body('name="wrong"') + "</worldbody></any>",
        "more.xml": "<any><worldbody>" + body('name="right"') + "</worldbody></any>",
        "parts/inner.xml": '<any><joint name="first" class="x"/>'
        + body()
        + '<include file="deeper/leaf.xml"/><joint name="last"/></any>',
        "parts/deeper/leaf.xml": '<any><frame pos="1 0 0">'
        + body("", '<joint name="leaf"/>')
        + '<joint name="middle"/></frame></any>',
        "classes.xml": '<any><default class="x"><joint axis="1 0 0"/></default>'
        '<joint pos="0 1 0"/></any>',
    },
    "includes_from_windows": {
        MAIN: world(body() + '<include file="parts\\more.xml"/>'),
        "parts/more.xml": "<any>" + body('pos="1 2 3"', "<joint/>") + "</any>",
    },
}


# Random definitions, with all features at once

SMALL = st.integers(-300, 300).map(lambda value: value / 100)
CLASS_NAMES = ("main", "one", "two", "three")


def _numbers(count: int) -> st.SearchStrategy[str]:
    return st.tuples(*[SMALL] * count).map(lambda values: " ".join(map(str, values)))


def _direction(count: int = 3) -> st.SearchStrategy[str]:
    def is_long(text: str) -> bool:
        return max(abs(float(word)) for word in text.split()) > 0.05

    return _numbers(count).filter(is_long)


@dataclass
class _Maker:
    """Draws one definition, and the files that parts of it move to."""

    draw: Any
    bodies_left: int = 14
    names: int = 0
    files: dict[str, str] = field(default_factory=dict[str, str])

    def chance(self, percent: int) -> bool:
        return self.draw(st.integers(1, 100)) > 100 - percent

    def attribute(self, name: str, values: st.SearchStrategy[str], percent: int) -> str:
        return f' {name}="{self.draw(values)}"' if self.chance(percent) else ""

    def name(self, percent: int = 70) -> str:
        self.names += 1
        return f' name="n{self.names}"' if self.chance(percent) else ""

    def place(self) -> str:
        """A position and one of the ways to turn."""
        text = self.attribute("pos", _numbers(3), 70)
        way = self.draw(st.sampled_from(["", "quat", "euler", "axisangle", "xyaxes", "zaxis"]))
        if way == "axisangle":
            return f'{text} axisangle="{self.draw(_direction())} {self.draw(SMALL)}"'
        if way == "xyaxes":
            return f'{text} xyaxes="1 {self.draw(_numbers(2))} {self.draw(SMALL)} 1 9"'
        widths = {"quat": 4, "euler": 3, "zaxis": 3}
        return f'{text} {way}="{self.draw(_direction(widths[way]))}"' if way else text

    def joint_attributes(self, kinds: tuple[str, ...]) -> str:
        """Valid with every kind: a range from 0 is one for a ball joint too."""
        text = self.attribute("type", st.sampled_from(kinds), 60)
        text += self.attribute("pos", _numbers(3), 50) + self.attribute("axis", _direction(), 60)
        text += self.attribute("ref", _numbers(1), 30)
        text += self.attribute("range", st.sampled_from(["0 1", "0 2.5"]), 30)
        return text + self.attribute("limited", st.sampled_from(["auto", "true", "false"]), 30)

    def joint(self) -> str:
        kinds = ("hinge", "slide", "hinge", "slide", "ball")
        attributes = self.name() + self.attribute("class", st.sampled_from(CLASS_NAMES), 30)
        return f"<joint{attributes}{self.joint_attributes(kinds)}/>"

    def childclass(self) -> str:
        return self.attribute("childclass", st.sampled_from(CLASS_NAMES), 25)

    def content(self, depth: int, joints: int) -> str:
        """What stands in a body or frame: joints, bodies and frames in any order."""
        parts = [self.joint() for _joint in range(self.draw(st.integers(0, joints)))]
        if depth:
            parts += [self.inner(depth) for _inner in range(self.draw(st.integers(0, 2)))]
        text = "".join(self.draw(st.permutations(parts)))
        if text and self.chance(15):
            name = f"part_{len(self.files)}.xml"
            self.files[name] = f"<part>{text}</part>"
            return f'<include file="{name}"/>'
        return text

    def inner(self, depth: int) -> str:
        if self.chance(25):
            joints = self.draw(st.integers(0, 1))
            inside = self.content(depth - 1, joints)
            return f"<frame{self.childclass()}{self.place()}>{inside}</frame>"
        return self.body(depth)

    def body(self, depth: int) -> str:
        if not self.bodies_left:
            return GEOM
        self.bodies_left -= 1
        start = f"<body{self.name()}{self.childclass()}{self.place()}>{GEOM}"
        return f"{start}{self.content(depth - 1, 2)}</body>"

    def top(self) -> str:
        """A body in the world, free or not, in a frame or not."""
        if self.chance(40):
            inside = self.inner(3) if self.chance(50) else ""
            joint = self.draw(st.sampled_from(["<freejoint/>", '<joint type="free"/>']))
            text = f"<body{self.name()}{self.place()}>{GEOM}{joint}{inside}</body>"
        else:
            text = self.body(4)
        return f"<frame{self.place()}>{text}</frame>" if self.chance(25) else text

    def classes(self) -> str:
        """Nested at random; the main class has a range, so that every limit has one."""
        texts = [f"<joint{self.joint_attributes(('hinge', 'slide'))}/>" for _class in range(3)]
        main = '<joint range="0 1.5"/>'
        if self.chance(50):
            texts[0] += f'<default class="three">{texts[2]}</default>'
            sections = [texts[0], texts[1]]
        else:
            sections = texts
        names = ("one", "two", "three")
        parts = [
            f'<default class="{name}">{text}</default>'
            for name, text in zip(names, sections, strict=False)
        ]
        return f"<default>{''.join(self.draw(st.permutations([main, *parts])))}</default>"

    def definition(self) -> dict[str, str]:
        angle = self.draw(st.sampled_from(["degree", "radian"]))
        sequence = "".join(self.draw(st.sampled_from("xyzXYZ")) for _letter in range(3))
        compiler = f'<compiler angle="{angle}" eulerseq="{sequence}"/>'
        tops = "".join(self.top() for _top in range(self.draw(st.integers(1, 2))))
        sections = [compiler, self.classes(), f"<worldbody>{tops}</worldbody>"]
        order = self.draw(st.permutations(sections))
        return {MAIN: f"<mujoco>{''.join(order)}</mujoco>", **self.files}


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, str]:
    """Files of one definition."""
    return _Maker(draw).definition()
