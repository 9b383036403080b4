"""What a restore decides: which fields count, what is to be done about a document, and by which way."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from entrepot_replay.answer import Answer
from entrepot_replay.flow import Flow
from entrepot_replay.mapping import IdMap
from entrepot_replay.restore.decide import Do, Modes, decide
from entrepot_replay.restore.history import History, kind
from entrepot_replay.restore.live import Live, There
from entrepot_replay.restore.making import made_body
from entrepot_replay.restore.same import differences
from entrepot_replay.restore.shape import Shape
from entrepot_replay.restore.step import RestoreStep
from entrepot_replay.restore.wanted import Content, Evidence, State, content_of, evidence_of, state_at
from entrepot_replay.restore.ways import NoWay, create, update
from entrepot_store.redact import reference_for
from tests.support.captured import START, Recording, archive_of

PRESENT, ABSENT = Live(b"/x", There.PRESENT), Live(b"/x", There.ABSENT, reason="GET was answered 404")
BOTH = Modes(update_existing=True, delete_newer=True)


@pytest.mark.parametrize(
    ("state", "live", "same", "modes", "do"),
    [
        (State.PRESENT, ABSENT, None, Modes(), Do.CREATE),
        (State.PRESENT, PRESENT, True, BOTH, Do.NOTHING),
        (State.PRESENT, PRESENT, False, Modes(), Do.LEAVE),
        (State.PRESENT, PRESENT, False, BOTH, Do.UPDATE),
        (State.PRESENT, PRESENT, None, BOTH, Do.CANNOT),
        (State.PRESENT, Live(b"/x", There.UNREADABLE, reason="401"), None, BOTH, Do.CANNOT),
        (State.GONE, PRESENT, None, Modes(), Do.LEAVE),
        (State.GONE, PRESENT, None, BOTH, Do.DELETE),
        (State.GONE, ABSENT, None, BOTH, Do.NOTHING),
        (State.NEWER, PRESENT, None, Modes(update_existing=True), Do.LEAVE),
        (State.NEWER, PRESENT, None, BOTH, Do.DELETE),
        (State.UNSEEN, PRESENT, None, BOTH, Do.LEAVE),
    ],
)
def test_what_is_done(state: State, live: Live, same: bool | None, modes: Modes, do: Do) -> None:
    assert decide(state, live, modes, same=same).do is do


def test_fields_that_no_client_sent_are_the_servers() -> None:
    shape = Shape()
    shape.add({"name": "x", "tags": [{"k": 1}], "free": {}}, {"data": {"id": 7, "name": "x", "tags": [], "free": {}}})
    assert shape.wrapper == "data"
    for where in ("$.data.name", "$.data.tags[3].k", "$.data.tags.length", "$.data.free.anything", "$.data"):
        assert shape.is_sent(where), where
    for where in ("$.data.id", "$.meta.took", "$.data.tags[0].seen"):
        assert not shape.is_sent(where), where
    content = {"data": {"id": 7, "name": "y", "tags": [{"k": 2, "seen": 1}], "free": {"a": {"b": 1}}}, "meta": {}}
    assert shape.only_sent(content) == {"name": "y", "tags": [{"k": 2}], "free": {"a": {"b": 1}}}


def test_a_number_that_would_be_rounded_is_not_sent() -> None:
    shape = Shape({"price": {}})
    assert made_body(Content(b'{"price": 12.50, "id": 1}', "application/json", 0), shape) == b'{"price":12.5}'
    with pytest.raises(ValueError, match="exactly"):
        made_body(Content(b'{"price": 0.12345678901234567890123}', "application/json", 0), shape)


def test_kinds_differ_by_words_and_not_by_ids() -> None:
    assert kind("/v1/orders/7/items/9") == kind("/v1/orders/12/items/10") == "/v1/orders/{}/items/{}"
    assert kind("/v1/orders/7") != kind("/v1/people/7")


def test_what_a_step_knows_survives_beside_its_flow() -> None:
    evidence = Evidence(UUID(int=1), "response", UUID(int=2), UUID(int=3))
    step = RestoreStep("/x", Do.UPDATE, "differs", "PUT", True, False, True, "ab", evidence, Shape({"a": {}}, "data"))
    for flow in (Flow(), Flow(after=(1, 2)), Flow(barrier=True)):
        text = step.dump(flow)
        assert RestoreStep.load(text) == step
        assert Flow.load(text) == flow
    assert RestoreStep.load("") is None
    assert RestoreStep.load(Flow(barrier=True).dump()) is None


SECRET = reference_for(bytes(32), "token", b"x")


def recorded() -> Recording:
    recording = Recording()
    shown = b'{"id": 1, "name": "a", "rev": 1}'
    recording.add("PUT", "/things/put", b'{"name": "a"}', status=201, answer=b'{"name": "a", "rev": 1}')
    recording.add("PATCH", "/things/put", b'{"name": "b"}', answer=b'{"name": "b", "rev": 2}')
    recording.add("POST", "/other", b'{"name": "a"}', status=201, answer=shown)
    recording.add("PATCH", "/other/1", b'{"name": "c"}', answer=b'{"id": 1, "name": "c", "rev": 2}')
    recording.add("PUT", "/cut/a", b'{"name"', truncated=True)
    recording.add("PUT", "/secret/a", b'{"token": "%s"}' % SECRET, answer=b'{"token": "%s"}' % SECRET)
    recording.add("GET", "/seen/a", answer=b'{"name": "z"}')
    recording.add("PUT", "/things/unseen", b'{"name": "a"}', answer=b'{"name": "a", "rev": 1}')
    recording.add("GET", "/things/unseen", answer=b'{"name": "other", "rev": 2}')
    recording.add("GET", "/things", answer=b"[]")
    recording.add("DELETE", "/things/put", status=204, answer=b"")
    recording.add("PUT", "/things/put", b'{"name": "later"}', status=201, answer=b'{"name": "later", "rev": 1}')
    recording.add("PUT", "/things/new", b'{"name": "later"}', status=201, answer=b'{"name": "later", "rev": 1}')
    return recording


def test_states_and_ways(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, recorded().exchanges)
    try:
        history = History(archive, "orders").read()
        assert set(history.documents) == {
            *("/things/put", "/other/1", "/cut/a", "/secret/a", "/seen/a", "/things/unseen", "/things/new")
        }

        def way(path: str, at: int, how: object = create) -> str:
            wanted = state_at(archive, "orders", history.documents[path], START + at)
            assert wanted.state is State.PRESENT
            content = content_of(archive, evidence_of(wanted))
            found = (create if how is create else update)(archive, wanted, content, history.kin(path))
            return " ".join(f"{send.method}{'*' if send.made else ''}" for send in found.sends)

        now = 10_000_000
        assert way("/things/put", 50_000) == "PUT"
        assert way("/things/put", 250_000) == "PUT PATCH"
        assert way("/things/put", now) == "PUT"
        assert way("/other/1", now) == "POST PATCH"
        assert way("/other/1", now, update) == "PATCH*"
        for path, why in (("/secret/a", "redacted"), ("/seen/a", "no write of it")):
            with pytest.raises(NoWay, match=why):
                way(path, now)
        cut = state_at(archive, "orders", history.documents["/cut/a"], START + now)
        with pytest.raises(Exception, match="not captured whole"):
            evidence_of(cut)
        put = history.documents["/things/put"]
        assert state_at(archive, "orders", put, START + 1_050_000).state is State.GONE
        assert state_at(archive, "orders", history.documents["/things/new"], START + now // 100).state is State.NEWER
        assert state_at(archive, "orders", history.documents["/seen/a"], START).state is State.UNSEEN
    finally:
        archive.catalog.close()


def test_only_what_clients_send_makes_a_document_differ() -> None:
    shape = Shape({"name": {}, "price": {}})
    content = Content(b'{"name": "a", "price": 12.50, "rev": 3, "by": "ann"}', "application/json", START)

    def found(body: bytes, sent: bool = False) -> list[str]:
        live = Answer(200, ((b"Content-Type", b"application/json"),), "", body, len(body), sha256(body).digest())
        told = differences(replace(content, sent=sent), live, "/x/1", shape=shape, idmap=IdMap(), now=START)
        return [one.where for one in told if one.decisive]

    assert found(b'{"price": 12.5, "name": "a", "rev": 9, "by": "bob", "more": {}}') == []
    assert found(b'{"price": 12.51, "rev": 3, "by": "ann"}') == ["$.name", "$.price"]
    assert found(b'{"data": {"price": 12.5, "name": "a", "rev": 3, "by": "ann", "more": 1}}', sent=True) == []
    assert found(b'{"price": 12.5, "name": "a", "rev": 9, "by": "ann"}', sent=True) == ["$.rev"]
    assert found(b"other") == ["body"]
