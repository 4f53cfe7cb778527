# SPDX-License-Identifier: GPL-3.0-or-later
"""One retarget job as a state machine, its worker, its journal on disk."""
