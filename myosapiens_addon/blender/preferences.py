# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's preferences, and the settings that all parts work with."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import bpy
from bpy.props import FloatProperty, IntProperty, StringProperty

from ..errors import InputError
from ..service.address import is_loopback, normalise_base_url
from ..service.errors import AuthenticationError
from . import compat, paths

if TYPE_CHECKING:
    from bpy.types import Context

DEFAULT_BASE_URL = "https://api.myolab.ai"
KEY_VARIABLES = ("MYOSAPIENS_API_KEY", "MYOSDK_API_KEY")
BASE_URL_VARIABLE = "MYOSAPIENS_BASE_URL"


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
        if is_loopback(self.base_url) or bpy.app.online_access or compat.runs_as_module():
            return
        raise InputError(
            "Blender is set to stay offline: switch on Allow Online Access in Preferences > "
            "System, or start it with --online-mode."
        )


class MYOSAPIENS_preferences(bpy.types.AddonPreferences):
    """Connection and job settings of the MyoSapiens extension."""

    bl_idname = paths.PACKAGE

    api_key: StringProperty(
        name="API Key",
        description="Key of your MyoSapiens workspace. The environment variable "
        "MYOSAPIENS_API_KEY, where set, is used instead",
        subtype="PASSWORD",
    )
    base_url: StringProperty(
        name="Service",
        description="Address of the MyoSapiens service",
        default=DEFAULT_BASE_URL,
    )
    poll_interval_s: FloatProperty(
        name="Poll Interval",
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

    def draw(self, context: Context) -> None:  # noqa: ARG002
        """Show the settings."""
        layout = self.layout
        layout.use_property_split = True
        variable = key_variable()
        if variable:
            row = layout.row()
            row.label(text="API Key")
            row.label(text=f"From the environment ({variable})", icon="LOCKED")
        else:
            layout.prop(self, "api_key")
        layout.prop(self, "base_url")
        layout.prop(self, "poll_interval_s")
        layout.prop(self, "parallel_jobs")


def key_variable() -> str:
    """The environment variable that holds a key; empty when none does."""
    return next((name for name in KEY_VARIABLES if os.environ.get(name, "").strip()), "")


def read(*, base_url: str | None = None) -> Settings:
    """The settings in force.

    Args:
        base_url: an address that goes before the environment's and the preferences'.

    Raises:
        InputError: the address is no usable one.
    """
    addon = bpy.context.preferences.addons.get(paths.PACKAGE)
    stored = addon.preferences if addon is not None else None
    variable = key_variable()
    stored_key = stored.api_key if stored is not None else ""
    stored_url = stored.base_url if stored is not None else DEFAULT_BASE_URL
    return Settings(
        base_url=normalise_base_url(base_url or os.environ.get(BASE_URL_VARIABLE) or stored_url),
        api_key=(os.environ.get(variable, "") if variable else stored_key).strip(),
        key_source=variable or ("preferences" if stored_key else ""),
        poll_interval_s=stored.poll_interval_s if stored is not None else 2.0,
        parallel_jobs=stored.parallel_jobs if stored is not None else 3,
    )


classes = (MYOSAPIENS_preferences,)
register, unregister = compat.registrars(classes)
