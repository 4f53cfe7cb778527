# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's preferences, and the settings that all parts work with."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, FloatProperty, IntProperty, StringProperty

from ..errors import InputError
from ..service.address import is_loopback, normalise_base_url
from ..service.errors import AuthenticationError
from ..studio import settings as studio_settings
from . import compat, paths, studio, take_defaults

if TYPE_CHECKING:
    from bpy.types import Context

    from ..service.network import Network
    from ..studio.parts import KeySource
    from ..studio.settings import StudioSettings

DEFAULT_BASE_URL = "https://api.myolab.ai"
KEY_VARIABLES = ("MYOSAPIENS_API_KEY", "MYOSDK_API_KEY")
BASE_URL_VARIABLE = "MYOSAPIENS_BASE_URL"
DEFAULT_PARALLEL_JOBS = 3
DEFAULT_POLL_INTERVAL_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What preferences, environment and studio say, as one plain value.

    Attributes:
        base_url: the service's address, checked.
        api_key: the key, empty when there is none; never shown.
        key_source: where the key comes from, in words; empty where there is none.
        poll_interval_s: seconds between two looks at a running job.
        parallel_jobs: how many jobs may run at once.
        key_at: where a thread has to get the key; then `api_key` is empty.
        network: proxy and certificates of the studio; None for none.
    """

    base_url: str
    api_key: str = field(repr=False)
    key_source: str
    poll_interval_s: float
    parallel_jobs: int
    key_at: KeySource | None = None
    network: Network | None = None

    def require_key(self) -> str:
        """The key; empty where a thread has to get it.

        Raises:
            AuthenticationError: there is none.
        """
        if not self.api_key and self.key_at is None:
            if self.key_source:
                raise AuthenticationError(
                    f"No API key: the studio's settings name {self.key_source}, which is not set."
                )
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
        default=DEFAULT_POLL_INTERVAL_S,
        min=0.2,
        soft_max=30.0,
    )
    parallel_jobs: IntProperty(
        name="Parallel Jobs",
        description="How many jobs may run at the same time",
        default=DEFAULT_PARALLEL_JOBS,
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
        _draw_connection(self, context, layout.box().column())
        column = layout.box().column()
        column.label(text="Jobs")
        found = studio.current()
        _draw_own(self, context, column, "poll_interval_s", found.poll_interval_s)
        _draw_own(self, context, column, "parallel_jobs", found.parallel_jobs)
        for name in ("download_dir", "tell_names"):
            column.prop(self, name)
        column = layout.box().column()
        column.label(text="New Takes Begin With")
        _draw_defaults(self, context, column)


def _draw_connection(
    self: MYOSAPIENS_preferences, context: Context, column: bpy.types.UILayout
) -> None:
    from .panels.studio import draw_locked, draw_state

    sets = studio.current()
    column.label(text="Connection")
    _draw_key(self, context, column, sets)
    if os.environ.get(BASE_URL_VARIABLE) and not sets.is_locked(studio_settings.BASE_URL):
        draw_locked(column, context, "Service", "From environment", BASE_URL_VARIABLE)
    else:
        _draw_own(self, context, column, "base_url", sets.base_url or None)
    if sets.proxy or sets.ca_bundle:
        draw_locked(column, context, "Network", "Proxy or certificates", sets.reason)
    draw_state(column, context)
    column.operator("myosapiens.test_connection", icon="URL")
    from . import live

    found = live.account()
    if found.link.name != "UNKNOWN":
        column.label(text=found.sentence or f"{found.link.value} with {found.key_shown}")


def _draw_key(
    self: MYOSAPIENS_preferences,
    context: Context,
    column: bpy.types.UILayout,
    found: StudioSettings,
) -> None:
    from .panels.studio import draw_given, draw_locked

    if found.key is not None and found.is_locked(studio_settings.KEY):
        draw_locked(column, context, "API Key", found.key.title, found.reason)
    elif key_variable():
        draw_locked(column, context, "API Key", "From environment", key_variable())
    else:
        column.prop(self, "api_key")
        if found.key is not None and not self.api_key:
            draw_given(column, found.key.title)


def _draw_own(
    self: MYOSAPIENS_preferences,
    context: Context,
    column: bpy.types.UILayout,
    name: str,
    given: object,
) -> None:
    """A field of the seat, or what the studio sets in its place."""
    from .panels.studio import draw_given, draw_locked

    found = studio.current()
    if found.is_locked(f"service.{name}"):
        title = self.bl_rna.properties[name].name
        draw_locked(column, context, title, f"{given}", found.reason)
        return
    column.prop(self, name)
    if given is not None and not self.is_property_set(name):
        draw_given(column, f"{given}")


def _draw_defaults(
    self: MYOSAPIENS_preferences, context: Context, column: bpy.types.UILayout
) -> None:
    from .panels.studio import draw_choice, draw_given

    given = take_defaults.given()
    for name in take_defaults.NAMES:
        if name == "custom_rate" and (self.rate != "CUSTOM" or take_defaults.is_locked("rate")):
            continue
        draw_choice(column, context, self, name)
        is_own = take_defaults.is_locked(name) or self.is_property_set(name)
        if name in given and not is_own:
            draw_given(column, take_defaults.words_for(self, name))


def key_variable() -> str:
    """The environment variable that holds a key; empty when none does."""
    return next((name for name in KEY_VARIABLES if os.environ.get(name, "").strip()), "")


def stored() -> MYOSAPIENS_preferences | None:
    """The preferences as Blender keeps them; None where the extension is not enabled."""
    addon = bpy.context.preferences.addons.get(paths.PACKAGE)
    found: MYOSAPIENS_preferences | None = addon.preferences if addon is not None else None
    return found


def read(*, base_url: str | None = None) -> Settings:
    """The settings in force.

    What the studio locks goes before everything. Else an argument goes before the environment,
    that before the preferences that were ever set, those before the studio's, and that before
    what is built in. No file is read here, so that panels may ask.

    Args:
        base_url: an address that goes before the environment's and the preferences'.

    Raises:
        InputError: the address is no usable one, or the studio's settings are not read yet or
            locked and wrong: nothing must be sent.
    """
    studio.check_allowed()
    found = studio.current()
    api_key, key_source, key_at = _key(found)
    return Settings(
        base_url=_base_url(found, base_url),
        api_key=api_key,
        key_source=key_source,
        poll_interval_s=_in_force("poll_interval_s", found.poll_interval_s)
        or DEFAULT_POLL_INTERVAL_S,
        parallel_jobs=read_parallel_jobs(),
        key_at=key_at,
        network=_network(found),
    )


def _network(found: StudioSettings) -> Network | None:
    if not found.proxy and found.ca_bundle is None:
        return None
    from ..service.network import Network

    return Network(
        proxy=found.proxy,
        proxy_first=found.is_locked(studio_settings.PROXY),
        ca_bundle=found.ca_bundle,
        ca_bundle_first=found.is_locked(studio_settings.CA_BUNDLE),
    )


def _in_force(name: str, given: Any) -> Any:  # noqa: ANN401 - a preference's value
    """The seat's own choice, unless the studio locks it or it was never made; None for neither."""
    kept = stored()
    locked = studio.current().is_locked(f"service.{name}")
    if given is not None and (locked or kept is None or not kept.is_property_set(name)):
        return given
    return getattr(kept, name) if kept is not None else None


def _base_url(found: StudioSettings, asked: str | None) -> str:
    if found.is_locked(studio_settings.BASE_URL):
        if asked and normalise_base_url(asked) != found.base_url:
            raise InputError(f"The service's address cannot be chosen here. {found.reason}")
        return found.base_url
    own = _in_force("base_url", found.base_url or None)
    if own is None:
        own = DEFAULT_BASE_URL
    return normalise_base_url(asked or os.environ.get(BASE_URL_VARIABLE) or own)


def _key(found: StudioSettings) -> tuple[str, str, KeySource | None]:
    """The key, where it comes from, and where a thread has to get it."""
    kept = stored()
    variable = key_variable()
    if not found.is_locked(studio_settings.KEY):
        if variable:
            return os.environ.get(variable, "").strip(), variable, None
        own = kept.api_key.strip() if kept is not None else ""
        if own or found.key is None:
            return own, "preferences" if own else "", None
    if found.key is None:
        return "", "", None
    if found.key.variable:
        return os.environ.get(found.key.variable, "").strip(), found.key.title, None
    return "", found.key.title, found.key


def key_origin() -> str:
    """Where the key comes from, for a sentence: from the …."""
    if studio.current().is_locked(studio_settings.KEY):
        return "studio's settings"
    if key_variable():
        return "environment"
    kept = stored()
    return "preferences" if kept is not None and kept.api_key.strip() else "studio's settings"


def read_parallel_jobs(asked: int | None = None) -> int:
    """How many jobs may run at once.

    Args:
        asked: a number that goes before the preferences'; None for none.

    Raises:
        InputError: it is more than the studio allows.
    """
    found = studio.current()
    own = int(_in_force("parallel_jobs", found.parallel_jobs) or DEFAULT_PARALLEL_JOBS)
    if asked and asked > own and found.is_locked(studio_settings.PARALLEL_JOBS):
        raise InputError(f"At most {own} jobs may run at once, not {asked}. {found.reason}")
    return asked or own


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
