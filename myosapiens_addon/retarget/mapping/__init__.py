# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bone of a skeleton plays which role in a human body: presets, detection, files."""
