# SPDX-License-Identifier: GPL-3.0-or-later
"""The root of the one error tree.

::

    MyoSapiensError                 a sentence for the user; may a retry help?
    ├── InputError                  something given is wrong: a file, an argument, a setting
    │   ├── TakeError               the take: a C3D or TRC file
    │   ├── MarkersetError          the markerset file
    │   ├── OutputError             an output file of the service
    │   ├── CharacterError          the character definition (MJCF)
    │   └── RigError                the armature, or what it lacks
    ├── CancelledError              the user asked to stop
    └── ServiceError …              see `service/errors.py`
"""

from __future__ import annotations


class MyoSapiensError(Exception):
    """Base of everything this extension raises on purpose.

    Attributes:
        sentence: what is wrong, where, and what to do, in words for the user.
        retryable: whether the same call may succeed later.
    """

    retryable: bool = False

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class InputError(MyoSapiensError):
    """Something that was given is wrong: a file, an argument or a setting."""


class TakeError(InputError):
    """The take (C3D or TRC file) cannot be used."""


class MarkersetError(InputError):
    """The markerset (XML file) cannot be used."""


class OutputError(InputError):
    """An output file of the service cannot be used."""


class CharacterError(InputError):
    """The character definition (MJCF) cannot be used."""


class RigError(InputError):
    """The armature cannot take the motion."""


class CancelledError(MyoSapiensError):
    """The user asked to stop."""

    def __init__(self, sentence: str = "Cancelled.") -> None:
        super().__init__(sentence)
