# SPDX-License-Identifier: GPL-3.0-or-later
"""One module per benchmark; each gives figures side by side with a reference."""
