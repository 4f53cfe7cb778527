# SPDX-License-Identifier: GPL-3.0-or-later
"""What people can do, as operators: from the panel, by F3, or in a script.

Called with `EXEC_DEFAULT` an operator blocks until it is done; from the panel it returns at once.
"""

from __future__ import annotations

from . import account, bone_map, character, jobs, retarget, studio, takes, target

MODULES = (takes, retarget, jobs, account, studio, target, bone_map, character)


def register() -> None:
    """Register the modules, in order."""
    for module in MODULES:
        module.register()


def unregister() -> None:
    """Unregister them, last one first."""
    for module in reversed(MODULES):
        module.unregister()
