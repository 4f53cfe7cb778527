# SPDX-License-Identifier: GPL-3.0-or-later
"""Output files to one neutral Motion; resampling that is true in time."""
