# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done with the account: test the connection, look at its jobs and files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ...errors import MyoSapiensError
from .. import compat, feedback, live, paths, properties
from .retarget import why_not_send

if TYPE_CHECKING:
    from collections.abc import Callable

    from bpy.types import Context, Event

    from ...service.models import Asset
    from ..account import Link as AccountLink


class _OnService:
    """An operator that asks the service."""

    @classmethod
    def poll(cls, context: Context) -> bool:
        """The way to the service must be open."""
        return feedback.poll(cls, why_not_send())

    def attempt(self: Any, act: Callable[[], None]) -> set[str]:
        """Begin; a report when it cannot be begun."""
        try:
            act()
        except MyoSapiensError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        return {"FINISHED"}

    def wait(self: Any, listing: Any) -> set[str]:  # noqa: ANN401
        """Wait for a listing, and report how it went."""
        live.session().wait_for_errands()
        kind = "ERROR" if listing.is_alert else "INFO"
        self.report({kind}, listing.sentence or "Done.")
        return {"CANCELLED"} if listing.is_alert else {"FINISHED"}


class MYOSAPIENS_OT_test_connection(bpy.types.Operator):
    """Ask the service whether it is there and takes the key, and which characters it offers."""

    bl_idname = "myosapiens.test_connection"
    bl_label = "Test Connection"

    def invoke(self, context: Context, event: Event) -> set[str]:
        """Ask; the answer shows in the panel."""
        live.account().check()
        return {"FINISHED"}

    def execute(self, context: Context) -> set[str]:
        """Ask, and wait for the answer."""
        account = live.account()
        account.check()
        live.session().wait_for_errands()
        link: AccountLink = account.link
        if link.name != "CONNECTED":
            self.report({"ERROR"}, account.sentence or link.value)
            return {"CANCELLED"}
        count = len(account.catalogue.entries) if account.catalogue is not None else 0
        self.report({"INFO"}, f"Connected with {account.key_shown}; {count} character(s).")
        return {"FINISHED"}


class MYOSAPIENS_OT_open_preferences(bpy.types.Operator):
    """Open Blender's preferences where this extension's settings, or online access, are."""

    bl_idname = "myosapiens.open_preferences"
    bl_label = "Open Preferences"

    section: EnumProperty(
        name="Section",
        items=(
            ("ADDON", "Extension", "Settings of this extension"),
            ("SYSTEM", "System", "Where online access is allowed"),
        ),
        options={"SKIP_SAVE"},
    )

    def execute(self, context: Context) -> set[str]:
        """Open them."""
        if self.section == "SYSTEM":
            bpy.ops.screen.userpref_show(section="SYSTEM")
        else:
            bpy.ops.preferences.addon_show(module=paths.PACKAGE)
        return {"FINISHED"}


class MYOSAPIENS_OT_fetch_jobs(bpy.types.Operator, _OnService):
    """Bring the account's jobs into the list, those that were started elsewhere too."""

    bl_idname = "myosapiens.fetch_jobs"
    bl_label = "Fetch Jobs of the Account"

    more: BoolProperty(
        name="More", description="The next older ones", default=False, options={"SKIP_SAVE"}
    )

    def invoke(self, context: Context, event: Event) -> set[str]:
        """Ask; the answer shows in the list."""
        return self.attempt(lambda: live.account().fetch_jobs(more=self.more))

    def execute(self, context: Context) -> set[str]:
        """Ask, and wait for the answer."""
        if self.attempt(lambda: live.account().fetch_jobs(more=self.more)) != {"FINISHED"}:
            return {"CANCELLED"}
        return self.wait(live.account().jobs_listing)


class MYOSAPIENS_OT_fetch_assets(bpy.types.Operator, _OnService):
    """Bring the account's files on the service into the list."""

    bl_idname = "myosapiens.fetch_assets"
    bl_label = "Fetch Files of the Account"

    more: BoolProperty(
        name="More", description="The next of them", default=False, options={"SKIP_SAVE"}
    )

    def invoke(self, context: Context, event: Event) -> set[str]:
        """Ask; the answer shows in the list."""
        return self.attempt(lambda: live.account().fetch_assets(more=self.more))

    def execute(self, context: Context) -> set[str]:
        """Ask, and wait for the answer."""
        if self.attempt(lambda: live.account().fetch_assets(more=self.more)) != {"FINISHED"}:
            return {"CANCELLED"}
        return self.wait(live.account().assets_listing)


def chosen_asset() -> Asset | None:
    """The file that is chosen in the list."""
    group, assets = properties.of_window(), live.account().assets
    return assets[group.asset_index] if 0 <= group.asset_index < len(assets) else None


class MYOSAPIENS_OT_delete_asset(bpy.types.Operator, _OnService):
    """Delete the chosen file on the service; one that a job still refers to stays."""

    bl_idname = "myosapiens.delete_asset"
    bl_label = "Delete File on the Service"

    asset_id: StringProperty(
        name="File", description="Id of the file; empty for the chosen one", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: Context) -> bool:
        """One must be chosen."""
        reason = why_not_send()
        if not reason and chosen_asset() is None:
            reason = "No file is chosen."
        return feedback.poll(cls, reason)

    def invoke(self, context: Context, event: Event) -> set[str]:
        """Ask the user first: it cannot be undone."""
        asset = chosen_asset()
        if asset is not None and not self.asset_id:
            self.asset_id = asset.asset_id
        self.is_asked = True
        name = asset.filename if asset is not None else self.asset_id
        question = f"Delete {name}? It cannot be brought back."
        return feedback.ask(
            self,
            context,
            event,
            title="Delete File on the Service",
            text=question,
            confirm="Delete",
        )

    def execute(self, context: Context) -> set[str]:
        """Delete it; a script waits for the answer."""
        asset = chosen_asset()
        asset_id = self.asset_id or (asset.asset_id if asset is not None else "")
        if not asset_id:
            self.report({"ERROR"}, "No file is chosen.")
            return {"CANCELLED"}
        begun = self.attempt(lambda: live.account().delete_asset(asset_id))
        if begun != {"FINISHED"} or getattr(self, "is_asked", False):
            return begun
        return self.wait(live.account().assets_listing)


classes = (
    MYOSAPIENS_OT_test_connection,
    MYOSAPIENS_OT_open_preferences,
    MYOSAPIENS_OT_fetch_jobs,
    MYOSAPIENS_OT_fetch_assets,
    MYOSAPIENS_OT_delete_asset,
)
register, unregister = compat.registrars(classes)
