# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample take: a walking human of our own making, its markerset, and how both are made."""
