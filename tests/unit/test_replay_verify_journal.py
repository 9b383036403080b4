"""What the recording says a lost service held: which evidence counts, and what is no document at all."""

import itertools
from hashlib import sha256
from uuid import UUID

from entrepot_replay.verify.expected import Basis, Expected
from entrepot_replay.verify.journal import Journal
from entrepot_store.catalog import ExchangeRow
from entrepot_store.catalog.documents import Side
from entrepot_store.catalog.rows import MessageRow
from entrepot_store.model import Action

SECOND = 1_000_000
T = 1_000 * SECOND


class Recorded:
    """Exchanges a second apart, and their bodies."""

    def __init__(self) -> None:
        self.bodies: dict[tuple[UUID, Side], bytes] = {}
        self.rows: list[ExchangeRow] = []
        self._number = itertools.count(1)

    def add(
        self,
        method: str,
        url: str,
        status: int | None = 200,
        sent: bytes = b"",
        shown: bytes = b"",
        *,
        at: int | None = None,
        kind: str = "application/json",
        headers: tuple[tuple[bytes, bytes], ...] = (),
        complete: bool = True,
    ) -> UUID:
        number = next(self._number)
        identifier = UUID(int=number)
        self.bodies[identifier, "request"], self.bodies[identifier, "response"] = sent, shown
        digest = sha256(shown).digest()
        response = MessageRow(headers, kind, len(shown), digest, 0, 0, truncated=not complete)
        self.rows.append(
            ExchangeRow(
                *(identifier, number * SECOND if at is None else at, SECOND // 2, "a", "b", method),
                f"http://b{url}",
                url.partition("?")[0],
                status,
                "HTTP/1.1",
                "",
                Action.CAPTURE,
                *(
                    "default",
                    complete,
                    None,
                    None,
                    "",
                    MessageRow((), kind, len(sent), b"", 0, 0),
                    None if status is None else response,
                ),
            )
        )
        return identifier

    def expected(self, as_of: int = T) -> dict[str, Expected]:
        journal = Journal(as_of, lambda row, side: self.bodies[row.id, side])
        for row in sorted(self.rows, key=lambda row: row.started_at):
            journal.watch(row)
        return {one.path: one for one in journal.expected()}


def test_the_freshest_word_counts() -> None:
    seen = Recorded()
    seen.add("GET", "/a", shown=b'{"n":1}')
    last = seen.add("GET", "/a", shown=b'{"n":2}')
    seen.add("GET", "/a", 304)
    seen.add("GET", "/a", 500)
    seen.add("GET", "/b", shown=b'{"n":1}')
    echo = seen.add("PUT", "/b", 200, b'{"n":2}', b'{"n":2,"rev":7}')
    seen.add("GET", "/c", shown=b'{"n":1}')
    put = seen.add("PUT", "/c", 204, b'{"n":2}')
    found = seen.expected()
    assert (found["/a"].basis, found["/a"].exchange, found["/a"].doubt) == (Basis.READ, last, "")
    assert (found["/b"].basis, found["/b"].exchange, found["/b"].side) == (Basis.SHOWN, echo, "response")
    assert (found["/c"].basis, found["/c"].exchange, found["/c"].side) == (Basis.WRITTEN, put, "request")
    assert found["/c"].was_read


def test_a_list_read_before_a_write_below_it_is_in_doubt() -> None:
    seen = Recorded()
    seen.add("GET", "/items", shown=b"[]")
    seen.add("GET", "/items?page=1", shown=b"[]")
    seen.add("GET", "/other", shown=b"[]")
    seen.add("POST", "/items", 201, b'{"x":1}', b'{"x":1,"id":7}')
    found = seen.expected()
    assert found["/items"].doubt
    assert found["/items?page=1"].doubt
    assert not found["/other"].doubt
    assert found["/items/7"].basis is Basis.SHOWN
    assert found["/items/7"].guessed
    seen.add("GET", "/items", shown=b'[{"id":7}]')
    assert not seen.expected()["/items"].doubt


def test_a_batch_casts_doubt_on_what_it_names() -> None:
    seen = Recorded()
    seen.add("GET", "/v1/a/1", shown=b"{}")
    seen.add("GET", "/v1/a/2", shown=b"{}")
    seen.add("POST", "/v1/batch", 200, b'{"requests":[{"path":"/a/1"}]}', b"{}")
    found = seen.expected()
    assert "batch" in found["/v1/a/1"].doubt
    assert not found["/v1/a/2"].doubt


def test_gone_is_gone_until_it_is_back() -> None:
    seen = Recorded()
    for path in ("/a", "/b", "/c", "/d/1"):
        seen.add("GET", path, shown=b"{}")
    seen.add("DELETE", "/a", 204)
    seen.add("DELETE", "/b", 204)
    seen.add("PUT", "/b", 201, b"{}")
    seen.add("GET", "/c", 404)
    seen.add("DELETE", "/d", 204)
    seen.add("DELETE", "/never-seen", 204)
    found = seen.expected()
    assert found["/a"].basis is Basis.GONE
    assert found["/b"].basis is Basis.WRITTEN
    assert found["/c"].basis is Basis.GONE
    assert (found["/d/1"].basis, found["/d/1"].perhaps_gone) == (Basis.READ, True)
    assert "/never-seen" not in found


def test_what_is_no_document() -> None:
    seen = Recorded()
    seen.add("GET", "/secret", 403)
    seen.add("GET", "/nothing", 404)
    seen.add("GET", "/moved", 302)
    seen.add("GET", "/healthz")
    seen.add("GET", "/stream", kind="text/event-stream")
    seen.add("HEAD", "/head")
    seen.add("POST", "/actions", 200, b'{"do":"it"}', b'{"ok":true}')
    seen.add("POST", "/lost", None)
    seen.add("GET", "/login", shown=b"<form>", kind="text/html; charset=utf-8")
    seen.add("POST", "/login", 303, b"{}")
    assert seen.expected() == {}


def test_half_an_answer_was_there_to_be_read() -> None:
    seen = Recorded()
    seen.add("GET", "/long", shown=b"{", complete=False)
    assert seen.expected()["/long"].basis is Basis.READ


def test_reads_after_the_moment_count_until_something_was_written() -> None:
    seen = Recorded()
    seen.add("PUT", "/a", 204, b'{"n":1}')
    seen.add("PUT", "/b", 204, b'{"n":1}')
    read = seen.add("GET", "/a", shown=b'{"n":1}', at=T + SECOND)
    seen.add("PUT", "/b", 204, b'{"n":2}', at=T + 2 * SECOND)
    seen.add("GET", "/b", shown=b'{"n":2}', at=T + 3 * SECOND)
    seen.add("PUT", "/a", 204, b'{"n":3}', at=T + 4 * SECOND)
    seen.add("GET", "/a", shown=b'{"n":3}', at=T + 5 * SECOND)
    seen.add("PUT", "/new", 204, b"{}", at=T + 6 * SECOND)
    found = seen.expected()
    assert (found["/a"].basis, found["/a"].exchange) == (Basis.READ, read)
    assert (found["/b"].basis, found["/b"].at) == (Basis.WRITTEN, 2 * SECOND + SECOND // 2)
    assert "/new" not in found


def test_a_change_is_kept_with_what_it_changed() -> None:
    seen = Recorded()
    read = seen.add("GET", "/a", shown=b'{"n":1,"m":1}')
    patch = seen.add("PATCH", "/a", 204, b'{"n":2}')
    alone = seen.add("PATCH", "/b", 204, b'{"n":2}')
    found = seen.expected()
    assert (found["/a"].basis, found["/a"].exchange, found["/a"].changes) == (Basis.CHANGED, read, (patch,))
    assert (found["/b"].exchange, found["/b"].changes) == (alone, (alone,))


def test_what_changes_by_itself_is_noted() -> None:
    seen = Recorded()
    first = seen.add("GET", "/stats", shown=b'{"up":1}')
    seen.add("GET", "/stats", shown=b'{"up":2}')
    seen.add("GET", "/a", shown=b'{"n":1}')
    seen.add("PUT", "/b", 204, b'{"n":2}')
    seen.add("GET", "/a", shown=b'{"n":2}')  # the write may have done that
    found = seen.expected()
    assert (found["/stats"].varies, found["/a"].varies) == (first, None)


def test_what_clients_sent_is_remembered() -> None:
    seen = Recorded()
    seen.add("PUT", "/a", 204, b'{"key":"8f14e45fceea167a5a36dedd4bea2543","due":"2026-01-02T03:04:05Z","n":1}')
    journal = Journal(T, lambda row, side: seen.bodies[row.id, side])
    journal.watch(seen.rows[0])
    assert journal.sent >= {"8f14e45fceea167a5a36dedd4bea2543", "2026-01-02T03:04:05Z"}
