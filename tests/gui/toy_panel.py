# SPDX-License-Identifier: GPL-3.0-or-later
"""Run inside Blender: a tab of a sidebar with one of each kind of button, to try the harness on."""

# ruff: noqa: ANN001, ANN201, ANN206, ARG002, ARG003, RUF012
# pyright: reportInvalidTypeForm=false

import importlib
from typing import Any

bpy: Any = importlib.import_module("bpy")


class TOY_OT_count(bpy.types.Operator):
    bl_idname = "toy.count"
    bl_label = "Count"
    bl_options = {"REGISTER", "UNDO"}

    step: bpy.props.IntProperty(default=1)

    def execute(self, context):
        context.scene.toy.count += self.step
        return {"FINISHED"}


class TOY_OT_fail(bpy.types.Operator):
    bl_idname = "toy.fail"
    bl_label = "Not Now"

    @classmethod
    def poll(cls, context):
        return False

    def execute(self, context):
        return {"FINISHED"}


class TOY_OT_deep(bpy.types.Operator):
    bl_idname = "toy.deep"
    bl_label = "Far Below"

    def execute(self, context):
        context.scene.toy.count = 1000
        return {"FINISHED"}


class ToySettings(bpy.types.PropertyGroup):
    count: bpy.props.IntProperty()
    height: bpy.props.FloatProperty()
    title: bpy.props.StringProperty()
    target: bpy.props.StringProperty()
    kind: bpy.props.EnumProperty(items=[("A", "Alpha", ""), ("B", "Beta", ""), ("C", "Gamma", "")])


class Sidebar:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Toy"


class TOY_PT_main(Sidebar, bpy.types.Panel):
    bl_label = "Toy"

    def draw(self, context):
        layout = self.layout
        layout.operator("toy.count")
        layout.operator("toy.fail")
        row = layout.row()
        row.enabled = False
        row.operator("toy.count", text="Greyed Out").step = 7
        for name in ("height", "title", "kind"):
            layout.prop(context.scene.toy, name)
        layout.prop_search(context.scene.toy, "target", bpy.data, "objects")
        row = layout.row(align=True)
        row.label(text="Small")
        row.operator("toy.count", text="", icon="ADD").step = 10
        row.operator("toy.count", text="", icon="REMOVE").step = -10


class TOY_PT_more(Sidebar, bpy.types.Panel):
    bl_label = "More"
    bl_parent_id = "TOY_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        for number in range(30):
            self.layout.label(text=f"Row {number}")
        self.layout.operator("toy.deep")


class TOY_PT_last(Sidebar, bpy.types.Panel):
    bl_label = "Last"

    def draw(self, context):
        self.layout.label(text="The End")


for kind in (
    TOY_OT_count, TOY_OT_fail, TOY_OT_deep, ToySettings, TOY_PT_main, TOY_PT_more, TOY_PT_last
):  # fmt: skip
    bpy.utils.register_class(kind)
bpy.types.Scene.toy = bpy.props.PointerProperty(type=ToySettings)
