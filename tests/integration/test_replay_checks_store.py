"""What verification finds is kept: on SQLite and PostgreSQL alike."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from entrepot_store.catalog.replay_checks import CheckCounts, CheckResult, CheckRow, VerificationRow
from entrepot_store.catalog.replays import Difference, ReplayRow
from entrepot_store.catalog.sql import SqlCatalog, replay_store
from entrepot_store.catalog.sql.replays import SqlReplayStore
from entrepot_store.errors import BadInput, Busy, NotFound
from entrepot_store.model import uuid7

AT = 1_763_800_000_000_000


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlReplayStore]:
    postgres = request.param == "postgres"
    url = request.getfixturevalue("postgres_url") if postgres else f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    catalog = SqlCatalog(url)
    yield replay_store(catalog)
    catalog.close()


def test_the_latest_verification_counts(store: SqlReplayStore) -> None:
    replay = ReplayRow(uuid7(AT), AT, "orders", "http://127.0.0.1:1")
    store.create(replay)
    assert store.verification(replay.id) is None
    assert store.checks(replay.id).items == []
    first = VerificationRow(uuid7(AT), replay.id, AT, 3, AT)
    store.begin_verification(first)
    full = CheckRow(
        *(0, "/a?b=\u00fc", CheckResult.DIFFERS, "$.items[1]", "/live", "last read", uuid7(AT), AT, 200, 404, "why"),
        differences=(Difference("$.a", "1", "2", True, ""),),
        more_differences=7,
    )
    store.add_checks(first, [full, *(CheckRow(n, f"/{n}", CheckResult.RESTORED) for n in range(1, 5))])
    store.add_checks(first, [CheckRow(5, "/5", CheckResult.EXTRA)])
    under_way = store.verification(replay.id)
    assert under_way is not None
    assert (under_way.complete, under_way.counts) == (False, CheckCounts(restored=4, differs=1, extra=1))
    store.end_verification(first)
    ended = store.verification(replay.id)
    assert ended is not None
    assert (ended.complete, ended.as_of, ended.expected) == (True, AT, 3)
    assert store.checks(replay.id, results=[CheckResult.DIFFERS]).items == [full]
    page = store.checks(replay.id, limit=4)
    assert [row.number for row in store.checks(replay.id, cursor=page.next).items] == [4, 5]
    with pytest.raises(BadInput):
        store.checks(replay.id, results=[CheckResult.EXTRA], cursor=page.next)
    # A second one takes its place; the first has nothing more to say.
    second = VerificationRow(uuid7(AT + 1), replay.id, AT, 1, AT)
    store.begin_verification(second)
    assert store.checks(replay.id).items == []
    with pytest.raises(Busy):
        store.add_checks(first, [CheckRow(0, "/", CheckResult.RESTORED)])
    with pytest.raises(Busy):
        store.end_verification(first)
    store.end_verification(second, "interrupted")
    stopped = store.verification(replay.id)
    assert stopped is not None
    assert (stopped.complete, stopped.reason) == (False, "interrupted")


def test_there_must_be_a_replay(store: SqlReplayStore) -> None:
    nobody = uuid7(AT)
    with pytest.raises(NotFound):
        store.begin_verification(VerificationRow(uuid7(AT), nobody, AT, 0, AT))
    with pytest.raises(NotFound):
        store.checks(nobody)
