# SPDX-License-Identifier: GPL-3.0-or-later
"""From a Motion to curves on any armature."""
