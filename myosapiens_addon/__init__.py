# SPDX-License-Identifier: GPL-3.0-or-later
"""MyoSapiens for Blender: solve optical motion capture takes and put them on an armature.

Only `blender/` knows Blender, and it is imported when the extension is enabled, so that
everything else can be imported, tested and used without it.
"""


def register() -> None:
    """Enable the extension."""
    from . import blender

    blender.register()


def unregister() -> None:
    """Disable the extension: stop what runs, remove what was added."""
    from . import blender

    blender.unregister()
