# SPDX-License-Identifier: GPL-3.0-or-later
"""The REST API: one method per endpoint, typed models, typed errors."""
