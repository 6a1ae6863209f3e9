"""What several test files share: the real bank, the real encoder, and the network refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from interviewer import bank as banks
from interviewer.bank import Bank
from interviewer.embeddings import Embeddings
from interviewer.encoder import EmbeddedE5
from interviewer.settings import Settings, packaged

LOOPBACK = ["127.0.0.1", "::1", "localhost"]


@pytest.fixture(autouse=True)
def no_network(socket_enabled, monkeypatch):
    """Only this machine can be reached; no setting of the developer's own environment is seen."""
    import pytest_socket

    pytest_socket.socket_allow_hosts(LOOPBACK, allow_unix_socket=True)
    yield
    pytest_socket._remove_restrictions()


@pytest.fixture(scope="session")
def knowledge() -> Path:
    return packaged("knowledge")


@pytest.fixture(scope="session")
def bank(knowledge: Path) -> Bank:
    return banks.load(knowledge)


@pytest.fixture(scope="session")
def embeddings(knowledge: Path) -> Embeddings:
    return Embeddings(EmbeddedE5(), knowledge / "vectors")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")
