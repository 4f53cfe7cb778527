# SPDX-License-Identifier: GPL-3.0-or-later
"""The choices that a scene holds and the preferences too: what new takes begin with."""

from __future__ import annotations

from bpy.props import BoolProperty, EnumProperty, FloatProperty

GENDERS = (
    ("NONE", "Not Given", "Leave it to the service"),
    ("FEMALE", "Female", "The recorded person is female"),
    ("MALE", "Male", "The recorded person is male"),
)
RATES = (
    ("SCENE", "Scene", "A key on every frame of the scene"),
    ("CAPTURE", "Capture", "A key for every captured moment, between the scene's frames too"),
    ("CUSTOM", "Custom", "So many keys per second"),
)
NAMES = ("enable_scaling", "gender", "rate", "custom_rate", "set_range")


class TakeDefaults:
    """Mixed into the groups of properties that hold these choices."""

    enable_scaling: BoolProperty(
        name="Scale Character",
        description="Fit the lengths of the character's limbs to the recorded person",
        default=True,
    )
    gender: EnumProperty(
        name="Gender", description="Gender of the recorded person", items=GENDERS, default="NONE"
    )
    rate: EnumProperty(
        name="Rate",
        description="Where the keys are set; the take always plays at the speed it was captured",
        items=RATES,
        default="SCENE",
    )
    custom_rate: FloatProperty(
        name="Keys per Second",
        description="Keys per second of the take",
        default=60.0,
        min=0.1,
        soft_max=480.0,
        precision=2,
    )
    set_range: BoolProperty(
        name="Set Scene Range",
        description="Make the scene start and end with the take",
        default=False,
    )
