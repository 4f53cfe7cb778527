# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages about takes, for people: from the rows of a report to files."""
