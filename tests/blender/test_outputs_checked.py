# SPDX-License-Identifier: GPL-3.0-or-later
"""What lands is compared with xpos and with the take's speed."""

from __future__ import annotations

from pathlib import Path

import bpy
import pytest

from myosapiens_addon.blender import (
    landing,
)
from myosapiens_addon.blender.landing_options import LandingOptions
from myosapiens_addon.errors import InputError, TakeError
from tests.blender import rig_builders
from tests.blender.outputs_bench import c3d, land, moves_as
from tests.helpers import solved
from tests.helpers.motions import NAMES

# Against xpos


def test_how_far_bodies_and_bones_are_from_xpos(tmp_path: Path) -> None:
    take = solved.take()
    model = str(solved.write_model(tmp_path / "model.xml"))
    xpos = take.write_xpos(tmp_path / "xpos.parquet")
    for path in (take.write_qpos(tmp_path / "qpos.parquet"), take.write_glb(tmp_path / "m.glb")):
        found = land(path, xpos, model=model, new_armature=True, rate="scene", start_frame=101)
        assert found.distance is not None
        assert found.distance.largest_mm < 0.001
        assert found.distance.mean_mm <= found.distance.largest_mm
        assert (found.distance.bodies, found.distance.frames) == (len(NAMES), 31)
        assert found.shown_distance is not None
        assert found.shown_distance.largest_mm < 0.02
        assert 0 < found.shown_distance.frames <= 31
        assert not found.warnings


def test_a_body_that_is_elsewhere_is_named_with_how_far(tmp_path: Path) -> None:
    take = solved.take()
    xpos = take.write_xpos(tmp_path / "xpos.parquet", off_m={"talus_r": 0.017})
    found = land(take.write_glb(tmp_path / "motion.glb"), xpos)
    assert found.distance is not None
    assert found.distance.largest_mm == pytest.approx(17.0, abs=0.01)
    assert found.distance.mean_mm == pytest.approx(1.0, abs=0.01)
    assert found.distance.body == "talus_r"
    assert found.shown_distance is not None
    assert found.shown_distance.largest_mm == pytest.approx(17.0, abs=0.05)
    assert found.shown_distance.body == "talus_r"
    assert [warning for warning in found.warnings if "talus_r is 17 mm" in warning]


def test_bone_heads_are_measured_wherever_the_armature_stands(tmp_path: Path) -> None:
    take = solved.take()
    xpos = take.write_xpos(tmp_path / "xpos.parquet")
    path = take.write_glb(tmp_path / "motion.glb")
    built = bpy.data.objects[land(path).armature]
    built.location, built.rotation_euler = (3.0, -2.0, 1.0), (0.1, 0.2, 2.0)
    found = land(path, xpos, armature=built.name)
    assert found.shown_distance is not None
    assert found.shown_distance.largest_mm < 0.02
    # A bone that is somewhere else is seen, although it points where it should.
    built.pose.bones["skull"].constraints.new("LIMIT_LOCATION").use_max_z = True
    built.pose.bones["skull"].constraints[0].max_z = 0.5
    moved = land(path, xpos, armature=built.name)
    assert moved.shown_distance is not None
    assert moved.shown_distance.largest_mm > 100.0
    assert moved.shown_distance.body == "skull"


def test_nothing_is_said_of_bones_that_are_not_to_be_where_bodies_were(tmp_path: Path) -> None:
    take = solved.take()
    files = [take.write_glb(tmp_path / "motion.glb"), take.write_xpos(tmp_path / "xpos.parquet")]
    land(*files, new_armature=True)
    for options in ({"in_place": True}, {"path_scale": 0.5}, {"carrier": "object"}):
        found = land(*files, armature="Take", **options)
        assert found.distance is not None
        assert found.shown_distance is None, options
    rig_builders.mixamo()
    found = land(*files, armature="Armature")
    assert found.distance is not None
    assert found.shown_distance is None
    assert found.bone_map


def test_angles_alone_are_not_compared(tmp_path: Path) -> None:
    take = solved.take()
    files = [take.write_npz(tmp_path / "output.npz"), take.write_xpos(tmp_path / "xpos.parquet")]
    found = land(*files, model=str(solved.write_model(tmp_path / "model.xml")))
    assert (found.distance, found.shown_distance) == (None, None)
    moves_as(found.armature, take.angles_only())


def test_a_damaged_xpos_is_no_reason_to_fail(tmp_path: Path) -> None:
    take = solved.take()
    xpos = take.write_xpos(tmp_path / "xpos.parquet")
    xpos.write_bytes(xpos.read_bytes()[:-20])
    found = land(take.write_glb(tmp_path / "motion.glb"), xpos)
    moves_as(found.armature, take)
    assert found.distance is None
    assert any("was not compared" in warning for warning in found.warnings)


@pytest.mark.parametrize("told", ["other bodies", "far too far away"])
def test_an_xpos_that_cannot_be_compared_is_no_reason_to_fail(tmp_path: Path, told: str) -> None:
    take = solved.take()
    if told == "other bodies":
        xpos = take.write_xpos(tmp_path / "xpos.parquet")
        parquet = pytest.importorskip("pyarrow.parquet")
        table = parquet.read_table(xpos)
        columns = [name if name == "time" else f"other_{name}" for name in table.column_names]
        parquet.write_table(table.rename_columns(columns), xpos)
    else:
        xpos = take.write_xpos(tmp_path / "xpos.parquet", off_m={"skull": 1e300})
    found = land(take.write_glb(tmp_path / "motion.glb"), xpos)
    moves_as(found.armature, take)
    assert (found.distance, found.shown_distance) == (None, None)
    assert [warning for warning in found.warnings if warning.startswith("xpos.parquet has")]


# Speed


@pytest.mark.parametrize("by", ["take", "capture rate", "qpos"])
def test_a_glb_of_30_hz_gets_the_speed_of_its_take(tmp_path: Path, by: str) -> None:
    take = solved.take()
    files = [take.write_glb(tmp_path / "motion.glb", told_hz=30.0)]
    options: dict[str, object] = {}
    if by == "take":
        options["take"] = str(c3d(tmp_path / "take.c3d", frames=31, rate_hz=120.0))
    elif by == "capture rate":
        options["capture_rate_hz"] = 120.0
    else:
        files.append(take.write_qpos(tmp_path / "qpos.parquet"))
    found = land(*files, **options)
    assert found.capture_rate_hz == pytest.approx(120.0)
    assert found.frames == 31
    moves_as(found.armature, take)
    said = [warning for warning in found.warnings if "4 times too slowly" in warning]
    assert len(said) == 1
    assert len(found.warnings) == 1
    again = land(*files, rate="scene", armature=found.armature, **options)
    assert again.frames == 7  # 30 / 120 s at 24 frames/s, the first and the last included


def test_the_capture_rate_goes_before_the_take(tmp_path: Path) -> None:
    take = solved.take()
    path = take.write_glb(tmp_path / "motion.glb", told_hz=30.0)
    told = c3d(tmp_path / "take.c3d", frames=31, rate_hz=60.0)
    found = land(path, take=str(told), capture_rate_hz=120.0)
    assert found.capture_rate_hz == pytest.approx(120.0)


def test_a_glb_at_the_right_speed_is_left_alone(tmp_path: Path) -> None:
    take = solved.take()
    told = c3d(tmp_path / "take.c3d", frames=31, rate_hz=120.0)
    found = land(take.write_glb(tmp_path / "motion.glb"), take=str(told))
    assert not found.warnings
    moves_as(found.armature, take)


def test_a_take_with_other_frames_is_told(tmp_path: Path) -> None:
    take = solved.take()
    told = c3d(tmp_path / "take.c3d", frames=200, rate_hz=120.0)
    found = land(take.write_glb(tmp_path / "motion.glb"), take=str(told))
    assert [warning for warning in found.warnings if "31 frames, the take 200" in warning]


def test_a_named_take_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    path = solved.take().write_glb(tmp_path / "motion.glb", told_hz=30.0)
    with pytest.raises(InputError, match=r"take .*gone\.c3d is not there"):
        land(path, take=str(tmp_path / "gone.c3d"))
    broken = tmp_path / "broken.c3d"
    broken.write_bytes(b"\x02\x50 nothing of a take")
    with pytest.raises(TakeError, match=r"broken\.c3d"):
        land(path, take=str(broken))
    assert not bpy.data.objects


def test_the_job_s_own_take_may_be_gone(tmp_path: Path) -> None:
    from myosapiens_addon.jobs.spec import JobSpec

    take = solved.take()
    path = take.write_glb(tmp_path / "motion.glb")
    for content in (None, b"no take any more"):
        told = tmp_path / "take.c3d"
        if content is not None:
            told.write_bytes(content)
        spec = JobSpec(c3d=told, markerset=tmp_path / "m.xml", out_dir=tmp_path)
        options = LandingOptions(rate="capture", new_armature=True)
        found = landing.land([path], name="Take", options=options, spec=spec)
        moves_as(found.armature, take)


def test_a_clipped_job_has_fewer_frames_than_its_take(tmp_path: Path) -> None:
    from myosapiens_addon.jobs.spec import JobSpec, SolveOptions

    take = solved.take()
    path = take.write_glb(tmp_path / "motion.glb", told_hz=30.0)
    told = c3d(tmp_path / "take.c3d", frames=200, rate_hz=120.0)
    spec = JobSpec(
        c3d=told, markerset=tmp_path / "m.xml", out_dir=tmp_path,
        options=SolveOptions(clip_length=31),
    )  # fmt: skip
    options = LandingOptions(rate="capture")
    found = landing.land([path], name="Take", options=options, spec=spec)
    assert found.capture_rate_hz == pytest.approx(120.0)
    assert len(found.warnings) == 1
    assert "too slowly" in found.warnings[0]
