# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's preferences, and the settings that all parts work with."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, FloatProperty, IntProperty, StringProperty

from ..errors import InputError
from ..service.address import is_loopback, normalise_base_url
from ..service.errors import AuthenticationError
from . import compat, paths, take_defaults

if TYPE_CHECKING:
    from bpy.types import Context

DEFAULT_BASE_URL = "https://api.myolab.ai"
KEY_VARIABLES = ("MYOSAPIENS_API_KEY", "MYOSDK_API_KEY")
BASE_URL_VARIABLE = "MYOSAPIENS_BASE_URL"
DEFAULT_PARALLEL_JOBS = 3


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the preferences and the environment say, as one plain value.

    Attributes:
        base_url: the service's address, checked.
        api_key: the key, empty when there is none; never shown.
        key_source: where the key comes from: a variable's name, `preferences`, or empty.
        poll_interval_s: seconds between two looks at a running job.
        parallel_jobs: how many jobs may run at once.
    """

    base_url: str
    api_key: str = field(repr=False)
    key_source: str
    poll_interval_s: float
    parallel_jobs: int

    def require_key(self) -> str:
        """The key.

        Raises:
            AuthenticationError: there is none.
        """
        if not self.api_key:
            raise AuthenticationError(
                f"No API key: set the environment variable {KEY_VARIABLES[0]}, or enter it in "
                "the preferences of the MyoSapiens extension."
            )
        return self.api_key

    def require_access(self) -> None:
        """Ask Blender whether the network may be used; this machine's own services always may.

        Raises:
            InputError: Blender is set to stay offline.
        """
        if leaves_machine(self.base_url) and not may_leave():
            raise InputError(
                "Blender is set to stay offline: switch on Allow Online Access in Preferences > "
                "System, or start it with --online-mode."
            )


def leaves_machine(base_url: str) -> bool:
    """Whether what is sent to an address leaves this machine."""
    return not is_loopback(base_url)


def may_leave() -> bool:
    """Whether Blender allows online access; as a Python module it has no such switch."""
    return bool(bpy.app.online_access) or compat.runs_as_module()


def _service_changed(_self: MYOSAPIENS_preferences, _context: Context) -> None:
    from . import live

    live.account().forget()


class MYOSAPIENS_preferences(bpy.types.AddonPreferences, take_defaults.TakeDefaults):
    """Connection and job settings of the MyoSapiens extension."""

    bl_idname = paths.PACKAGE

    api_key: StringProperty(
        name="API Key",
        description="Key of your MyoSapiens workspace. The environment variable "
        "MYOSAPIENS_API_KEY, where set, is used instead",
        subtype="PASSWORD",
        update=_service_changed,
    )
    base_url: StringProperty(
        name="Service",
        description="Address of the MyoSapiens service",
        default=DEFAULT_BASE_URL,
        update=_service_changed,
    )
    poll_interval_s: FloatProperty(
        name="Poll Interval (s)",
        description="Seconds between two looks at a running job",
        default=2.0,
        min=0.2,
        soft_max=30.0,
    )
    parallel_jobs: IntProperty(
        name="Parallel Jobs",
        description="How many jobs may run at the same time",
        default=3,
        min=1,
        max=16,
    )
    download_dir: StringProperty(
        name="Downloads",
        description="Folder for the results; empty for the extension's own",
        subtype="DIR_PATH",
        options=compat.PATH_OPTIONS,
    )
    tell_names: BoolProperty(
        name="Tell Names to the Service",
        description="Send the names of take, scene and file with each job, so that they can be "
        "found by them on the service",
        default=False,
    )

    def draw(self, context: Context) -> None:
        """Show the settings."""
        layout = self.layout
        layout.use_property_split = True
        _draw_connection(self, layout.box().column())
        column = layout.box().column()
        column.label(text="Jobs")
        for name in ("poll_interval_s", "parallel_jobs", "download_dir", "tell_names"):
            column.prop(self, name)
        column = layout.box().column()
        column.label(text="New Takes Begin With")
        for name in take_defaults.NAMES:
            if name != "custom_rate" or self.rate == "CUSTOM":
                column.prop(self, name)


def _draw_connection(self: MYOSAPIENS_preferences, column: bpy.types.UILayout) -> None:
    column.label(text="Connection")
    if key_variable():
        _draw_locked(column, "API Key", key_variable())
    else:
        column.prop(self, "api_key")
    if os.environ.get(BASE_URL_VARIABLE):
        _draw_locked(column, "Service", BASE_URL_VARIABLE)
    else:
        column.prop(self, "base_url")
    column.operator("myosapiens.test_connection", icon="URL")
    from . import live

    found = live.account()
    if found.link.name != "UNKNOWN":
        column.label(text=found.sentence or f"{found.link.value} with {found.key_shown}")


def key_variable() -> str:
    """The environment variable that holds a key; empty when none does."""
    return next((name for name in KEY_VARIABLES if os.environ.get(name, "").strip()), "")


def _draw_locked(column: bpy.types.UILayout, name: str, variable: str) -> None:
    """A setting that the environment gives, so that it cannot be changed here."""
    split = column.split(factor=0.4)
    left = split.row()
    left.alignment = "RIGHT"
    left.label(text=name)
    right = split.column(align=True)
    right.label(text="From environment", icon="LOCKED")
    right.label(text=variable, icon="BLANK1", translate=False)


def stored() -> MYOSAPIENS_preferences | None:
    """The preferences as Blender keeps them; None where the extension is not enabled."""
    addon = bpy.context.preferences.addons.get(paths.PACKAGE)
    found: MYOSAPIENS_preferences | None = addon.preferences if addon is not None else None
    return found


def read(*, base_url: str | None = None) -> Settings:
    """The settings in force.

    Args:
        base_url: an address that goes before the environment's and the preferences'.

    Raises:
        InputError: the address is no usable one.
    """
    kept = stored()
    variable = key_variable()
    stored_key = kept.api_key if kept is not None else ""
    stored_url = kept.base_url if kept is not None else DEFAULT_BASE_URL
    return Settings(
        base_url=normalise_base_url(base_url or os.environ.get(BASE_URL_VARIABLE) or stored_url),
        api_key=(os.environ.get(variable, "") if variable else stored_key).strip(),
        key_source=variable or ("preferences" if stored_key else ""),
        poll_interval_s=kept.poll_interval_s if kept is not None else 2.0,
        parallel_jobs=read_parallel_jobs(),
    )


def read_parallel_jobs() -> int:
    """How many jobs may run at once."""
    kept = stored()
    return int(kept.parallel_jobs) if kept is not None else DEFAULT_PARALLEL_JOBS


def tells_names() -> bool:
    """Whether the service may know what takes, scenes and files are called."""
    kept = stored()
    return bool(kept.tell_names) if kept is not None else False


def download_directory() -> Path:
    """The folder for the results of jobs; made by whoever writes there.

    Raises:
        InputError: the extension's own folder cannot be made.
    """
    kept = stored()
    chosen = kept.download_dir.strip() if kept is not None else ""
    return Path(bpy.path.abspath(chosen)) if chosen else paths.user_directory("downloads")


classes = (MYOSAPIENS_preferences,)
register, unregister = compat.registrars(classes)
