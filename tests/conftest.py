"""Fixtures that every part's tests share: the real servers. Started once per test process, when first asked for."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.servers import PostgresServer, S3Server, running_postgres, running_seaweedfs

# Examples are judged by what they find and not by the clock of a machine that may be doing much else.
settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared-machine")


@pytest.fixture(scope="session")
def seaweedfs() -> Iterator[S3Server]:
    """A running S3 server. Use `seaweedfs.new_bucket()` for a bucket of the test's own."""
    with running_seaweedfs() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A running PostgreSQL server; most tests want `postgres_url`."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A fresh, empty database (`postgresql://…`), dropped after the test."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)
