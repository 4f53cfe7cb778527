# SPDX-License-Identifier: GPL-3.0-or-later
"""Character definitions as MuJoCo understands them: names, order, poses, axes, limits."""
# MuJoCo is a compiled module without types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import json
from pathlib import Path

import mujoco
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, reject, settings

from local_service.solve import skeleton
from myosapiens_addon.motion import forward, mjcf
from myosapiens_addon.motion.character import JointKind
from tests.helpers import mjcf_models, mjcf_oracle


@pytest.mark.parametrize("feature", mjcf_models.FEATURES)
def test_a_feature(tmp_path: Path, feature: str) -> None:
    path = mjcf_models.write(tmp_path, mjcf_models.FEATURES[feature])
    model = mujoco.MjModel.from_xml_path(str(path))
    mjcf_oracle.compare(mjcf.read(path), model)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(mjcf_models.definitions())
def test_features_together(tmp_path_factory: pytest.TempPathFactory, files: dict[str, str]) -> None:
    path = mjcf_models.write(tmp_path_factory.mktemp("made"), files)
    try:
        model = mujoco.MjModel.from_xml_path(str(path))
    except ValueError as error:
        # Joints are drawn without a look at those that the body has already.
        too_many = ("ball followed by rotation", "more than 6 dofs")
        assert any(words in str(error) for words in too_many)  # noqa: PT017 - it need not raise
        reject()
    mjcf_oracle.compare(mjcf.read(path), model, frames=4)


def test_what_a_definition_becomes(tmp_path: Path) -> None:
    """That a Character says what the file says, in its own terms."""
    path = mjcf_models.write(tmp_path, mjcf_models.FEATURES["several_joints"])
    character = mjcf.read(path)
    assert character.title == "made"
    kinds = [joint.kind for joint in character.joints]
    slide, hinge = JointKind.SLIDE, JointKind.HINGE
    assert kinds == [slide, hinge, slide, hinge, slide]
    assert [joint.name for joint in character.joints] == [
        "body_1_slide",
        "body_1_hinge",
        "body_1_slide_2",
        "body_1_hinge_2",
        "body_1_slide_3",
    ]
    assert character.joints[1].reference == pytest.approx(np.radians(40))


def test_made_up_names_give_way(tmp_path: Path) -> None:
    bodies = mjcf_models.body('name="body_2"', '<joint name="body_2_hinge"/><joint/>')
    text = mjcf_models.world(bodies + mjcf_models.body("", "<joint/>"))
    character = mjcf.read(mjcf_models.write(tmp_path, text))
    assert character.names == ("body_2", "body_2_2")
    assert [joint.name for joint in character.joints] == [
        "body_2_hinge",
        "body_2_hinge_2",
        "body_2_2_hinge",
    ]


def test_the_title_is_the_main_files(tmp_path: Path) -> None:
    path = mjcf_models.write(tmp_path, mjcf_models.FEATURES["includes"])
    assert mjcf.read(path).title == "m"
    nameless = mjcf_models.world(mjcf_models.body()).replace('model="made"', "")
    assert mjcf.read(mjcf_models.write(tmp_path, nameless)).title == "main"


def test_fused_bodies_stay_and_move_no_other(tmp_path: Path) -> None:
    fixed = mjcf_models.body(
        'name="s" pos="1 0 0" euler="0 0 90"',
        mjcf_models.body('name="c" pos="0 1 0"', '<joint pos=".1 0 0"/>'),
    )
    content = mjcf_models.body('name="a"', "<joint/>" + fixed)
    path = mjcf_models.write(tmp_path, mjcf_models.world(content, '<compiler fusestatic="true"/>'))
    model = mujoco.MjModel.from_xml_path(str(path))
    character = mjcf.read(path)
    assert (model.nbody - 1, len(character.names)) == (2, 3)
    coordinates = mjcf_oracle.random_coordinates(model, 20)
    kept = [character.names.index(model.body(body).name) for body in range(1, model.nbody)]
    positions, rotations = forward.poses(character, coordinates)
    wanted = mjcf_oracle.poses(model, coordinates)
    np.testing.assert_allclose(positions[:, kept], wanted[0], rtol=0, atol=1e-9)
    assert mjcf_oracle.rotations_differ_by(rotations[:, kept], wanted[1]) < 1e-9


def test_the_local_services_character() -> None:
    character = mjcf.read(skeleton.SKELETON_PATH)
    mjcf_oracle.compare(character, skeleton.load_model(), frames=200)
    assert len(character.names) == 29


def test_what_mujoco_writes_is_read_the_same(tmp_path: Path) -> None:
    path = tmp_path / "written.xml"
    spec = skeleton.load_spec()
    spec.compile()
    path.write_text(spec.to_xml())
    written, own = mjcf.read(path), mjcf.read(skeleton.SKELETON_PATH)
    assert (written.names, written.coordinate_names) == (own.names, own.coordinate_names)
    np.testing.assert_allclose(written.positions, own.positions, atol=1e-6)


def test_the_real_character() -> None:
    path = mjcf_models.of_package()
    model = mujoco.MjModel.from_xml_path(str(path))
    character = mjcf.read(path)
    mjcf_oracle.compare(character, model, frames=200)
    assert len(character.coordinate_names) == model.nq


def test_a_real_take_turns_as_it_should(walk: Path) -> None:
    """Rotations, not positions: the definition has not the subject's lengths."""
    character = mjcf.read(mjcf_models.of_package())
    table = pq.read_table(walk / "qpos.parquet")
    names = table.column_names[1:]
    assert tuple(names) == character.coordinate_names
    coordinates = np.stack([table[name].to_numpy() for name in names], axis=1)
    rotations = forward.poses(character, coordinates)[1]
    bodies = json.loads((walk / "body_names.json").read_text())
    order = [bodies.index(name) for name in character.names]
    golden = np.load(walk / "golden_xquat.npy")[:, order]
    assert mjcf_oracle.rotations_differ_by(rotations, golden) < np.radians(0.01) / 2
