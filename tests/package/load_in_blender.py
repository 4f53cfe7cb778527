# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real Blender runs: install the zip, enable it, run the tests, leave with their code."""

from __future__ import annotations

import importlib
import os
import sys

import addon_utils
import bpy

NAME = "bl_ext.user_default.myosapiens"


def main() -> int:
    archive, tests = os.environ["BLENDER_ADDON_TO_TEST"], os.environ["BLENDER_ADDON_TESTS_PATH"]
    bpy.ops.extensions.package_install_files(
        filepath=archive, repo="user_default", enable_on_install=True
    )
    if not addon_utils.check(NAME)[1]:
        sys.stderr.write(f"{NAME} is not enabled after its installation.\n")
        return 1
    # Each test begins with factory settings, which take the extension and its wheels away; what
    # is imported from them by now stays.
    wheels = ("requests", "requests_toolbelt.multipart.encoder", "tqdm", "tqdm.contrib.logging")
    for wheel in wheels:
        importlib.import_module(wheel)
    import pytest

    # The tests take their settings from the checkout they lie in, wherever they are started.
    root = os.path.dirname(os.path.dirname(os.path.abspath(tests)))  # noqa: PTH100, PTH120
    os.chdir(root)
    return int(pytest.main(["-q", "-p", "no:cacheprovider", "--rootdir", root, tests]))


code = main()
sys.stdout.flush()
os._exit(code)
