# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: ANN001 - `check` is a fixture that is a function
"""The preflight: labels against markers by the service's rules, before anything is sent."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from myosapiens_addon.takes import preflight
from myosapiens_addon.takes.preflight import Preflight
from tests.helpers import ezc3d_takes

BODIES = ("pelvis", "femur_r", "tibia_r", "thoracic_spine")
NAMES = tuple(f"M{number}" for number in range(8))


@pytest.fixture
def check(tmp_path: Path) -> object:
    def run(
        labels: list[str],
        *,
        names: tuple[str, ...] = NAMES,
        gone: dict[str, float] | None = None,
        units: str = "mm",
        frames: int = 100,
    ) -> Preflight:
        take = tmp_path / "take.c3d"
        points = ezc3d_takes.scattered(len(labels), frames)
        for label, fraction in (gone or {}).items():
            points[:3, labels.index(label), : round(fraction * frames)] = np.nan
        ezc3d_takes.write(take, labels=labels, points=points, units=units)
        markers = "".join(
            f'<marker name="{name}" body="{BODIES[index % 4]}" pos="0 0 0"/>'
            for index, name in enumerate(names)
        )
        (tmp_path / "set.xml").write_text(f"<markers name='S' model='H'>{markers}</markers>")
        return preflight.check(take, tmp_path / "set.xml")

    return run


def test_all_is_well(check) -> None:
    found = check([f"Anna:{name}" for name in NAMES])
    assert found.is_ok
    assert found.warnings == ()
    assert found.summary == "8/8 markers, 100 frames at 100 Hz, 1.0 s"
    assert found.matched["M3"] == "Anna:M3"
    assert (found.subjects, found.missing, found.unused) == (("Anna",), (), ())
    assert set(found.coverage.values()) == {1.0}


@pytest.mark.parametrize("label", ["M0", "Anna:M0", "Anna M0", "a:b:M0", "M0-left", "lab/M0"])
def test_a_label_matches_by_its_words(check, label: str) -> None:
    assert check([label, *NAMES[1:]]).matched["M0"] == label


@pytest.mark.parametrize("label", ["m0", "M01", "XM0", "M0_left", ""])
def test_a_label_that_only_looks_like_it(check, label: str) -> None:
    found = check([label, *NAMES[1:]])
    assert found.missing == ("M0",)
    assert found.is_ok
    assert found.warnings == ("1 marker has no label: M0.",)


def test_no_label_matches(check) -> None:
    found = check(["LASI", "RASI"])
    assert not found.is_ok
    assert found.errors == (
        "No label of take.c3d (LASI, RASI) is a marker of set.xml (M0, M1, M2, M3, M4, M5, M6, "
        "M7): choose the markerset that the take was recorded with.",
    )
    assert found.warnings == ()


def test_two_labels_for_one_marker(check) -> None:
    found = check([*NAMES, "spare M2"])
    assert found.errors == ("The marker M2 has 2 labels (M2, spare M2): leave it only one.",)
    assert found.doubled == {"M2": ("M2", "spare M2")}


def test_a_double_that_is_hardly_there_is_dropped(check) -> None:
    found = check([*NAMES, "spare M2"], gone={"spare M2": 0.9})
    assert found.is_ok
    assert found.matched["M2"] == "M2"
    assert found.dropped == {"spare M2": pytest.approx(0.1)}


def test_several_subjects(check) -> None:
    found = check([f"{who}:{name}" for who in ("Anna", "Ben") for name in NAMES])
    (sentence,) = found.errors
    assert "holds 2 subjects (Anna, Ben)" in sentence
    assert found.subjects == ("Anna", "Ben")


def test_two_subjects_that_share_no_marker_are_two_all_the_same(check) -> None:
    found = check([f"{'Anna' if i < 4 else 'Ben'}:{name}" for i, name in enumerate(NAMES)])
    assert "2 subjects" in found.errors[0]


@pytest.mark.parametrize(("gone", "dropped"), [(0.79, False), (0.8, False), (0.81, True)])
def test_a_label_missing_in_over_80_percent_is_dropped(check, gone: float, dropped: bool) -> None:
    found = check(list(NAMES), gone={"M5": gone})
    assert ("M5" in found.dropped) is dropped
    assert ("M5" not in found.matched) is dropped
    assert found.is_ok
    if dropped:
        assert found.warnings == ("The label M5 is missing in 81% of the frames.",)


def test_a_take_whose_markers_are_never_there(check) -> None:
    found = check(list(NAMES), gone=dict.fromkeys(NAMES, 0.95))
    assert "No marker of take.c3d is there" in found.errors[0]


def test_too_few_markers_is_a_warning(check) -> None:
    found = check(["M0", "M1", "other"])
    assert found.is_ok
    assert any("Only 2 markers on 2 bodies" in sentence for sentence in found.warnings)
    assert found.unused == ("other",)


def test_an_odd_unit_and_a_single_frame(check) -> None:
    found = check(list(NAMES), units="in", frames=1)
    assert "The take's unit 'in' is not known; millimetres are taken." in found.warnings
    assert "The take has a single frame." in found.warnings


def test_it_becomes_json(check) -> None:
    found = check([*NAMES, "spare M2"], gone={"M7": 0.9})
    told = json.loads(json.dumps(found.as_dict()))
    assert told["ok"] is False
    assert told["summary"] == found.summary
    assert told["doubled"] == {"M2": ["M2", "spare M2"]}
    assert told["dropped"] == {"M7": pytest.approx(0.1)}
    assert (told["frames"], told["rate_hz"], told["units"]) == (100, 100.0, "mm")


def test_the_real_take(walk: Path) -> None:
    found = preflight.check(walk / "take.c3d", walk / "markerset.xml")
    assert found.summary == "41/41 markers, 412 frames at 120 Hz, 3.4 s"
    assert (found.errors, found.warnings, found.subjects) == ((), (), ("Justin3",))


def test_the_sample_take() -> None:
    sample = Path(__file__).resolve().parents[2] / "scripts" / "sample"
    found = preflight.check(sample / "walk.c3d", sample / "markerset.xml")
    assert found.is_ok
    assert len(found.matched) == len(found.markerset.markers)
