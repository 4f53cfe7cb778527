# SPDX-License-Identifier: GPL-3.0-or-later
"""The two revisions of `POST /v1/runs/retarget`: the only place that knows them.

Revision 1 (the API reference) names the take `c3d_asset_id` and gives one `.npz`; revision 2
(SDK releases 0.1.0 and later) names it `tracker_asset_id`, takes more kinds of files, has
more options and gives several files. A server answers the other's body with 400 or 422.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Mapping, Sequence
from enum import IntEnum
from pathlib import PurePath
from typing import TYPE_CHECKING, cast

from ..errors import TakeError
from ..files import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from .errors import RequestError
    from .job_models import RetargetRequest
    from .parsing import Reader

logger = logging.getLogger(__name__)


class Revision(IntEnum):
    """A revision of the endpoint."""

    ONE = 1
    TWO = 2

    @property
    def other(self) -> Revision:
        """The one that is not this."""
        return Revision.ONE if self is Revision.TWO else Revision.TWO


# Tried first where nothing is known: what the current SDK speaks.
FIRST_TRIED = Revision.TWO
TAKE_FIELDS = {
    Revision.ONE: ("c3d_asset_id", "c3d_s3"),
    Revision.TWO: ("tracker_asset_id", "tracker_s3"),
}
# Takes that revision 2 alone reads, by the ending of the file's name.
TAKES_OF_TWO = (".trc", ".parquet")
# Fields of revision 2 alone, with the service's defaults: one that is at its default is left
# out of the body, because not every release of the service knows each.
OPTION_DEFAULTS: Mapping[str, object] = {
    "mocap_scale": None,
    "rotation": None,
    "clip_length": -1,
    "chunk_size": -1,
    "disable_contacts": True,
    "n_frames_scaling": 10,
}
UNKNOWN_FIELD = re.compile(
    r"extra|unknown|unexpected|unrecogni[sz]ed|not permitted|not allowed|forbidden", re.IGNORECASE
)
MISSING_FIELD = re.compile(r"missing|required|provide|must|need", re.IGNORECASE)
REFUSED = (400, 422)


def build_body(request: RetargetRequest, revision: Revision) -> dict[str, object]:
    """The JSON body that starts the job on a server of that revision."""
    body: dict[str, object] = {
        TAKE_FIELDS[revision][0]: request.tracker_asset_id,
        "markerset_asset_id": request.markerset_asset_id,
        "character_id": request.character_id,
        "character_version": request.character_version,
        "enable_scaling": request.enable_scaling,
        "metadata": dict(request.metadata),
    }
    subject = {
        "subject_gender": request.subject_gender,
        "subject_height": request.subject_height_m,
        "subject_weight": request.subject_weight_kg,
    }
    body |= {name: value for name, value in subject.items() if value is not None}
    if revision is Revision.TWO:
        body |= {"export_glb": request.export_glb, **chosen_options(request)}
    return body


def check_take(name: str, revision: Revision | None) -> None:
    """Whether a server of that revision reads a take of that name; None knows no better.

    Raises:
        TakeError: it does not: there is no use in sending it.
    """
    ending = PurePath(name).suffix.lower()
    if revision is Revision.ONE and ending in TAKES_OF_TWO:
        raise TakeError(
            f"The service speaks revision 1 of the API, which takes C3D files alone: export {name} "
            "as C3D."
        )


def chosen_options(request: RetargetRequest) -> dict[str, object]:
    """The options that differ from the service's defaults; revision 1 has none of them."""
    values = {name: getattr(request, name) for name in OPTION_DEFAULTS}
    return {name: value for name, value in values.items() if value != OPTION_DEFAULTS[name]}


def read_outputs(reader: Reader | None) -> tuple[dict[str, str], tuple[str, ...]]:
    """`output` of a job, either revision's: output's name to asset id, and the warnings."""
    if reader is None:
        return {}, ()
    outputs = reader.text_mapping("retarget_output_asset_ids")
    single = reader.optional_text("retarget_output_asset_id")
    if single:
        outputs.setdefault("retarget_output", single)
    diagnostics = reader.object("diagnostics")
    return outputs, diagnostics.texts("warnings") if diagnostics else ()


def speaks_other(error: RequestError, sent: Revision) -> bool:
    """Whether a refusal shows that the server speaks the revision that was not sent.

    It does when the server misses the other's name for the take, or does not know ours (or
    another field that only revision 2 has).
    """
    if error.status not in REFUSED:
        return False
    theirs, ours = TAKE_FIELDS[sent.other], TAKE_FIELDS[sent]
    if sent is Revision.TWO:
        ours = (*ours, "export_glb")
    return any(_shows(item, theirs, ours) for item in _items(error.detail))


def _items(detail: object) -> list[tuple[str, str]]:
    """(where, what) of each complaint; a plain text has its place within."""
    if isinstance(detail, Mapping):
        entry = cast("Mapping[str, object]", detail)
        if "loc" not in entry:
            return [("", json.dumps(entry, default=str))]
        location = cast("Sequence[object] | None", entry["loc"])
        last = str(location[-1]) if location else ""
        return [(last, f"{entry.get('type', '')} {entry.get('msg', '')}")]
    if isinstance(detail, Sequence) and not isinstance(detail, str):
        entries = cast("Sequence[object]", detail)
        return [item for entry in entries for item in _items(entry)]
    return [("", str(detail or ""))]


def _shows(item: tuple[str, str], theirs: Sequence[str], ours: Sequence[str]) -> bool:
    where, what = item
    if where in theirs:
        return bool(MISSING_FIELD.search(what))
    if where in ours:
        return bool(UNKNOWN_FIELD.search(what))
    # A complaint in prose, or about the body as a whole: it names the fields itself.
    missing = any(name in what for name in theirs) and not any(name in what for name in ours)
    unknown = any(name in what for name in ours) and UNKNOWN_FIELD.search(what)
    return bool(missing or unknown)


class RevisionMemory:
    """Which revision each server was found to speak; safe to use from several threads.

    Args:
        store: a JSON file to keep it in, or None for this process only.
    """

    def __init__(self, store: Path | None = None) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._known = _load(store)

    def recall(self, base_url: str) -> Revision | None:
        """The revision that the server at `base_url` speaks, if it is known."""
        with self._lock:
            return self._known.get(base_url)

    def remember(self, base_url: str, revision: Revision) -> None:
        """Keep what was found; a store that cannot be written costs a request, no more."""
        with self._lock:
            if self._known.get(base_url) is revision:
                return
            self._known[base_url] = revision
            if self._store is not None:
                _save(self._store, self._known)


def _load(store: Path | None) -> dict[str, Revision]:
    if store is None:
        return {}
    try:
        content = json.loads(store.read_text(encoding="utf-8"))
        return {str(url): Revision(number) for url, number in content["revisions"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        logger.warning("%s is passed over: %s", store.name, type(error).__name__)
        return {}


def _save(store: Path, known: Mapping[str, Revision]) -> None:
    content = json.dumps({"revisions": {url: int(value) for url, value in known.items()}})
    try:
        with replacing(store) as temporary:
            temporary.write_text(content, encoding="utf-8")
    except OSError as error:
        logger.warning("%s could not be written: %s", store.name, error.strerror)
