# SPDX-License-Identifier: GPL-3.0-or-later
"""How people are told: why something is greyed, and what became of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import session as sessions
from .rows import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    import bpy

    from .rows import Row


def poll(operator_class: Any, reason: str) -> bool:  # noqa: ANN401 - a class of operators
    """For `poll`: true without a reason against it; else the reason is shown as a sentence."""
    if reason:
        # Blender adds the full stop itself.
        operator_class.poll_message_set(reason.removesuffix("."))
    return not reason


def ask(
    operator: bpy.types.Operator,
    context: Any,  # noqa: ANN401
    event: bpy.types.Event,
    *,
    title: str,
    text: str,
    confirm: str,
) -> set[str]:
    """For `invoke`: ask the user before `execute`."""
    answer: set[str] = context.window_manager.invoke_confirm(
        operator, event, title=title, message=text, confirm_text=confirm
    )
    return answer


def finish(operator: bpy.types.Operator, rows: Sequence[Row]) -> set[str]:
    """For a blocking `execute`: report what failed, and push one undo step for what was done."""
    done = [row for row in rows if row.state is State.DONE]
    for row in rows:
        if row.state is not State.DONE:
            operator.report({"ERROR"}, f"{row.name}: {row.sentence or row.status}")
    for row in done:
        operator.report({"INFO"}, f"{row.name}: {row.finished}")
    if done:
        sessions.push_undo(f"Import {', '.join(row.name for row in done)}")
    return {"FINISHED"} if done else {"CANCELLED"}
