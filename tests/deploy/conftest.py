"""The world that deployments are tested in."""

import pytest

from tests.deploy.world import World


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)
