# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes and markersets: read, check, summarise, before anything is sent."""
