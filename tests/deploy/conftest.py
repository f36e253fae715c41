"""The world that deployments are tested in."""

import pytest

from flowdsl.deploy import aws as aws_module
from tests.deploy.memory import Memory
from tests.deploy.project import Project
from tests.deploy.world import World


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The current folder, with its commands at an AWS in memory."""
    memory = Memory()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FLOWDSL_ENV", raising=False)
    monkeypatch.setattr(aws_module, "connect", lambda *_: memory)
    monkeypatch.setattr(aws_module, "WallClock", lambda: memory.clock)
    return Project(tmp_path, memory)
