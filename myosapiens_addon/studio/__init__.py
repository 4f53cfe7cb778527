# SPDX-License-Identifier: GPL-3.0-or-later
"""What a studio sets for all of its seats in one file, without touching any of them."""
