# SPDX-License-Identifier: GPL-3.0-or-later
"""The MyoSapiens API on this machine: for development, tests and the demo, without an account."""
