# SPDX-License-Identifier: GPL-3.0-or-later
"""What `publish.py` is made of: the checkout's state, zips, their versions, the repository."""
