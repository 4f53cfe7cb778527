# SPDX-License-Identifier: GPL-3.0-or-later
"""The local service: the whole API on this machine, with a real solve."""
