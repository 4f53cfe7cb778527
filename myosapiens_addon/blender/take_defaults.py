# SPDX-License-Identifier: GPL-3.0-or-later
"""The choices that a scene holds and the preferences too: what new takes begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bpy.props import BoolProperty, EnumProperty, FloatProperty

from ..errors import InputError
from . import studio

if TYPE_CHECKING:
    import argparse

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
# Word of a studio's settings → option of the command line.
OPTIONS = {
    "enable_scaling": "no_scaling",
    "gender": "gender",
    "rate": "rate",
    "set_range": "set_range",
}


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


def given() -> dict[str, Any]:
    """What the studio sets of these choices, by property."""
    found: dict[str, Any] = dict(studio.current().defaults)
    if "gender" in found:
        found["gender"] = found["gender"].upper()
    rate = found.get("rate")
    if isinstance(rate, float):
        found |= {"rate": "CUSTOM", "custom_rate": rate}
    elif rate is not None:
        found["rate"] = rate.upper()
    return found


def is_locked(name: str) -> bool:
    """Whether a property has the studio's value, whatever scene or preferences hold."""
    return studio.current().is_locked(f"defaults.{_word(name)}")


def chosen(group: Any, name: str) -> Any:  # noqa: ANN401 - a property of a group
    """The value in force of a scene's choice."""
    return given().get(name, getattr(group, name)) if is_locked(name) else getattr(group, name)


def first(kept: Any, name: str) -> Any:  # noqa: ANN401
    """What a new take begins with; None for what is built in.

    Args:
        kept: the preferences; None where there are none.
        name: the property's.
    """
    found = given()
    if name in found and (is_locked(name) or kept is None):
        return found[name]
    if name in found and not kept.is_property_set(_word(name)):
        return found[name]
    return getattr(kept, name) if kept is not None else None


def title(group: Any, name: str) -> str:  # noqa: ANN401
    """What a choice is called in front of people."""
    return str(group.bl_rna.properties[name].name)


def words_for(group: Any, name: str) -> str:  # noqa: ANN401
    """The studio's value of a choice, in words."""
    found = given()
    value = found.get(name)
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if value == "CUSTOM":
        return f"{found['custom_rate']:g} keys per second"
    items = getattr(group.bl_rna.properties[name], "enum_items", {})
    return str(items[value].name) if value in items else f"{value}"


def for_command_line() -> dict[str, Any]:
    """What the studio sets of the command line's options; those that are given go before it."""
    found: dict[str, Any] = dict(studio.current().defaults)
    if found.get("gender") == "none":
        found["gender"] = None
    if "enable_scaling" in found:
        found["enable_scaling"] = not found["enable_scaling"]
    return {OPTIONS[name]: value for name, value in found.items()}


def check_command_line(options: argparse.Namespace) -> None:
    """Refuse an option that is another than the studio's, where that is locked.

    Raises:
        InputError: one is.
    """
    for option, value in for_command_line().items():
        name = next(name for name, known in OPTIONS.items() if known == option)
        if is_locked(name) and getattr(options, option, value) != value:
            word = "scaling" if option == "no_scaling" else option.replace("_", "-")
            raise InputError(f"The {word} cannot be chosen here. {studio.current().reason}")


def _word(name: str) -> str:
    return "rate" if name == "custom_rate" else name
