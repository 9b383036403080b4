"""Expunging: no byte on disk holds what was erased, whatever ended the chore in between and whatever comes back."""

import shutil
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import insert
from sqlalchemy import select as columns_of

from entrepot_store.archive import Archive
from entrepot_store.catalog import ExchangeFilter
from entrepot_store.catalog.sql.check_schema import ReplayCheck
from entrepot_store.catalog.sql.replay_schema import ReplayStep, ReplayValue
from entrepot_store.clock import FixedClock
from entrepot_store.compact import compact
from entrepot_store.errors import Damaged, Retained
from entrepot_store.expunge import Expunged, expunge, settle_erasures
from entrepot_store.expunge.select import Sides, select
from entrepot_store.model import Exchange
from entrepot_store.retention import standing
from entrepot_store.segment.reader import SegmentReader, VaultSource
from entrepot_store.ship import rebuild_catalog
from entrepot_store.vault.directory import DirectoryVault
from entrepot_store.vault.port import FOREVER
from tests.support.retained import FAR, START, Ended, Store, check_readable, rule, same

SECRET = b"Erika-Mustermann-1964"
PERSON = b'{"customer": 7, "name": "%s", "pad": "%s"}' % (SECRET, b"y" * 700)
STEPS = (
    "noted",
    "said",
    "erased",
    "planned",
    "written",
    "put",
    "verified",
    "replaced",
    "deleted",
    "scrubbed",
    "finished",
)


def filled(folder: Path, vault: DirectoryVault | None = None) -> Store:
    store = Store(folder)
    store.vault = vault or store.vault
    for day in range(6):
        store.add("PUT", f"/v1/customers/{day % 2}", day, b'{"n": %d, "pad": "%s"}' % (day, b"x" * 700))
        if day % 2:
            store.add("PUT", "/v1/customers/7", day + 0.1, PERSON)  # the second and third refer to the first
    store.ship(each=3)
    return store


def of_person(exchange: Exchange) -> bool:
    return exchange.request.path == b"/v1/customers/7"


def chosen(store: Store) -> Sides:
    return select(store.catalog, exchanges=[found.id for found in store.exchanges if of_person(found)])


def erase(store: Store, sides: Sides | None = None, end_at: str = "") -> Expunged:
    def step(done: str) -> None:
        if done == end_at:
            raise Ended

    return expunge(
        store.vault,
        store.catalog,
        store.folder / "upkeep",
        chosen(store) if sides is None else sides,
        by="ann",
        reason="asked to be forgotten",
        clock=FixedClock(FAR),
        step=step,
    )


def traces(store: Store) -> list[str]:
    """Where the secret still is: every file as it is, and every record of every segment decoded, dictionaries too."""
    found = [str(path) for path in store.folder.rglob("*") if path.is_file() and SECRET in path.read_bytes()]
    for stat in store.vault.list("segments/"):
        reader = SegmentReader(VaultSource(store.vault, stat.key))
        if any(SECRET in record.head.raw + b"".join(record.payload) for record in reader.records()):
            found.append(stat.key)
    return found


def check_erased(store: Store) -> None:
    archive = Archive(store.vault, store.catalog)
    rows = [row for row in store.catalog.iterate(ExchangeFilter()) if row.path == "/v1/customers/7"]
    assert len(rows) == 3, "what is known of the exchanges stays"
    for row in rows:
        assert (row.request.size, row.request.truncated, row.complete) == (0, True, False)
        assert row.request.headers == store.exchanges[0].request.headers
        assert archive.body_bytes(row, "request") == b""
    assert store.catalog.retention.erased([rows[0].id])
    check_readable(store.catalog, store, but=of_person)
    assert traces(store) == []


@pytest.mark.parametrize(
    ("step", "first"),
    [(step, "expunge") for step in STEPS]
    + [(step, first) for step in ("said", "erased", "put", "replaced") for first in ("rebuild", "compact")],
)
def test_end_at_every_step(tmp_path: Path, step: str, first: str) -> None:
    store = filled(tmp_path)
    assert traces(store) != []
    with pytest.raises(Ended):
        erase(store, end_at=step)
    if first == "rebuild":
        rebuild_catalog(store.vault, store.catalog)
        assert SECRET not in b"".join(
            Archive(store.vault, store.catalog).body_bytes(row, "request")
            for row in store.catalog.iterate(ExchangeFilter())
        ), "said is said: a rebuild gives it out no more"
    if first == "compact":
        compact(store.vault, store.catalog.retention, tmp_path / "upkeep", clock=FixedClock(FAR), eager=True)
    settle_erasures(store.vault, store.catalog, tmp_path / "upkeep", clock=FixedClock(FAR))
    check_erased(store)
    other = store.catalog.__class__(f"sqlite:///{tmp_path / 'other.sqlite'}")
    rebuild_catalog(store.vault, other)
    assert same(other, store.catalog)
    other.close()
    store.catalog.close()


def test_an_old_copy_of_a_segment_and_the_same_recording_again_bring_nothing_back(tmp_path: Path) -> None:
    store = filled(tmp_path)
    shutil.copytree(tmp_path / "vault" / "segments", tmp_path.parent / f"{tmp_path.name}-copy")
    erase(store)
    shutil.rmtree(tmp_path / "vault" / "segments")
    shutil.move(tmp_path.parent / f"{tmp_path.name}-copy", tmp_path / "vault" / "segments")
    rebuild_catalog(store.vault, store.catalog, accept_missing=True)
    assert traces(store) != [], "the segments came back as they were"
    assert settle_erasures(store.vault, store.catalog, tmp_path / "upkeep", clock=FixedClock(FAR)) > 0
    check_erased(store)
    store.catalog.clear_index()
    shutil.rmtree(tmp_path / "vault" / "segments")
    store._shipped = 0
    store.ship()
    assert traces(store) == []
    store.catalog.close()


def test_a_payload_goes_wherever_it_is_and_one_that_others_hold_stays_theirs(tmp_path: Path) -> None:
    store = filled(tmp_path)
    persons = [found for found in store.exchanges if of_person(found)]
    erase(store, {persons[0].id: (True, True)})
    archive = Archive(store.vault, store.catalog)
    assert archive.body_bytes(store.catalog.exchange(persons[0].id), "request") == b""
    assert archive.body_bytes(store.catalog.exchange(persons[1].id), "request") == PERSON
    row = store.catalog.exchange(persons[1].id)
    sides = select(store.catalog, payloads=[row.request.digest])
    assert sides == {found.id: (True, False) for found in persons[1:]}
    erase(store, sides)
    assert traces(store) == []
    assert archive.body_bytes(store.catalog.exchange(persons[1].id), "response") == b""
    store.catalog.close()


def test_holds_and_locks_are_said_and_nothing_is_changed(tmp_path: Path) -> None:
    class Locked(DirectoryVault):
        until: int | None = None

        def locked_until(self, key: str) -> int | None:
            return self.until

    vault = Locked(tmp_path / "vault")
    store = filled(tmp_path, vault)
    before = store.catalog.fingerprint()
    hold = standing.hold(vault, store.catalog.retention, FixedClock(START), "settings", by="legal", reason="case 7")
    with pytest.raises(Retained, match=r"legal hold since 2025-11-22.*case 7"):
        erase(store)
    standing.release(vault, store.catalog.retention, FixedClock(START), hold.id, by="legal")
    for until, said in ((START, "until 2025-11-22T08:26:40"), (FOREVER, "until its legal hold is lifted")):
        vault.until = until
        with pytest.raises(Retained, match=said):
            erase(store)
    assert store.catalog.fingerprint() == before
    assert list(vault.list("erasures/")) == []
    vault.until = None
    assert isinstance(erase(store).erasure, UUID)
    check_erased(store)
    store.catalog.close()


def test_what_was_pruned_and_is_still_in_a_segment_goes_too(tmp_path: Path) -> None:
    """Nobody finds it any more, since the catalog forgot whose it was."""
    store = filled(tmp_path)
    store.prune([rule("settings", keep={"last": 1})], dead_part=1.0)
    assert len([path for path in store.paths() if "customers/7" in path]) == 3, "writes of the version that stays"
    store.add("PUT", "/v1/customers/7", 8, b"{}")
    store.ship()
    store.prune([rule("settings", keep={"last": 1})], dead_part=1.0)
    assert all(row.id == store.exchanges[-1].id for row in store.catalog.iterate(ExchangeFilter()) if "/7" in row.path)
    assert traces(store) != []
    erase(store, {})
    assert traces(store) == []
    check_readable(store.catalog, store)
    other = store.rebuilt()
    assert same(other, store.catalog)
    other.close()
    store.catalog.close()


def test_a_hold_that_comes_after_the_crash_stops_it_until_it_is_released(tmp_path: Path) -> None:
    store = filled(tmp_path)
    with pytest.raises(Ended):
        erase(store, end_at="noted")
    retention, clock = store.catalog.retention, FixedClock(START)
    hold = standing.hold(store.vault, retention, clock, "settings", by="legal", reason="case 7")
    assert settle_erasures(store.vault, store.catalog, tmp_path / "upkeep", clock=FixedClock(FAR)) == 0
    check_readable(store.catalog, store)
    standing.release(store.vault, retention, clock, hold.id, by="legal")
    assert settle_erasures(store.vault, store.catalog, tmp_path / "upkeep", clock=FixedClock(FAR)) > 0
    check_erased(store)
    store.catalog.close()


def test_the_only_copy_of_what_must_be_kept_is_not_erased(tmp_path: Path) -> None:
    store = filled(tmp_path)
    compact(store.vault, store.catalog.retention, tmp_path / "upkeep", clock=FixedClock(0), eager=True)

    def lose(done: str) -> None:
        if done == "replaced":
            for row in store.catalog.segments():
                store.vault.delete(row.key)

    (merged,) = [row.key for row in store.catalog.segments()]
    with pytest.raises(Damaged, match="may be the only copy"):
        expunge(
            *(store.vault, store.catalog, tmp_path / "upkeep", chosen(store)),
            by="ann",
            reason="asked",
            clock=FixedClock(FAR),
            step=lose,
        )
    assert [stat.key for stat in store.vault.list("segments/")] == [merged]
    store.catalog.close()


def test_what_replays_learnt_of_it_goes(tmp_path: Path) -> None:
    store = filled(tmp_path)
    replay = UUID(int=7)
    person, other = (next(found for found in store.exchanges if of_person(found) is who) for who in (True, False))
    nothing = {"method": "PUT", "path": "/", "size": 0, "state": "done", "attempts": 1, "unknown_attempts": 0}
    nothing |= {"sent": True, "reason": "", "more_differences": 0}
    with store.catalog.database.writing() as connection:
        for seq, exchange in enumerate((person, other)):
            said = {"replay_id": replay, "seq": seq, "exchange_id": exchange.id, "differences": f"{SECRET!r}{seq}"}
            connection.execute(insert(ReplayStep).values(**nothing, **said, flow=f"{SECRET!r}"))
            value = {"replay_id": replay, "key": bytes([seq] * 16), "role": "id", "recorded": f"{SECRET!r}{seq}"}
            connection.execute(insert(ReplayValue).values(**value, live="x", step=seq, place="json:/id", edited=False))
            check = dict.fromkeys(("path", "result", "place", "asked", "evidence", "reason"), "")
            check |= {"replay_id": replay, "number": seq, "exchange_id": exchange.id, "more_differences": 0}
            connection.execute(insert(ReplayCheck).values(**check, differences=f"{SECRET!r}{seq}"))
    erase(store)
    with store.catalog.database.reading() as connection:
        steps = connection.execute(columns_of(ReplayStep.seq, ReplayStep.differences, ReplayStep.flow)).all()
        checks = connection.execute(columns_of(ReplayCheck.differences).order_by(ReplayCheck.number)).scalars().all()
        values = connection.execute(columns_of(ReplayValue.step)).scalars().all()
    assert sorted(map(tuple, steps)) == [(0, "", ""), (1, f"{SECRET!r}1", f"{SECRET!r}")]
    assert checks == ["", f"{SECRET!r}1"]
    assert values == [1], "what another exchange holds too is its own"
    store.catalog.close()
