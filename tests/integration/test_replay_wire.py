"""What every Sender promises, against small hostile servers: what leaves, what an answer is, and what a failure means.

One suite for the senders we have, over plain connections and TLS; what only our own HTTP/1.1 promises stands last.
"""

import gzip
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import pytest

from entrepot_replay.errors import NotSent, OutcomeUnknown, Unsendable
from entrepot_replay.outgoing import Outgoing
from entrepot_replay.sender import Sender, Timeouts, tls_context
from entrepot_replay.target import Target
from entrepot_replay.wire import Http1Sender, HttpcoreSender, new_sender
from entrepot_replay.wire.channel import Channel
from entrepot_store.errors import VaultUnavailable
from tests.support.proxy_origins import Certificate, Origin, make_certificate, read_request, serving

type Handler = Callable[[socket.socket, Origin], None]

QUICK = Timeouts(connect=5, progress=5, whole=5)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True)
class Way:
    """A kind of sender, and how it reaches an origin."""

    kind: str
    certificate: Certificate | None

    def serving(self, handler: Handler) -> "Iterator[Origin]":
        return serving(handler, self.certificate.context() if self.certificate else None)  # type: ignore[return-value] # a context manager

    def sender(self, port: int, timeouts: Timeouts = QUICK) -> Sender:
        target = Target("https" if self.certificate else "http", "localhost", port)
        tls = tls_context(self.certificate.file) if self.certificate else None
        return new_sender(target, timeouts, tls) if self.kind == "own" else HttpcoreSender(target, timeouts, tls)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(params=["own", "own over TLS", "httpcore", "httpcore over TLS"])
def way(request: pytest.FixtureRequest, certificate: Certificate) -> Way:
    kind, _, tls = request.param.partition(" over ")
    return Way(kind, certificate if tls else None)


@pytest.fixture(params=["own", "own over TLS"])
def own(request: pytest.FixtureRequest, certificate: Certificate) -> Way:
    return Way("own", certificate if "TLS" in request.param else None)


def post(path: bytes = b"/", body: bytes = b"{}", headers: Iterable[tuple[bytes, bytes]] = ()) -> Outgoing:
    length = ((b"Content-Length", b"%d" % len(body)),)
    return Outgoing(b"POST", path, [(b"Host", b"x"), *headers, *length], (body,) if body else (), len(body))


def streamed(pieces: Iterable[bytes], length: int) -> Outgoing:
    return Outgoing(b"PUT", b"/long", [(b"Host", b"x"), (b"Content-Length", b"%d" % length)], pieces, length)


def saying(*answers: bytes, slowly: bool = False) -> Handler:
    """One answer a request; the connection ends behind the last one."""

    def handle(connection: socket.socket, origin: Origin) -> None:
        for raw in answers:
            request = read_request(connection)
            if not request:
                return
            origin.requests.append(request)
            for piece in [raw[at : at + 1] for at in range(len(raw))] if slowly else [raw]:
                connection.sendall(piece)

    return handle


def drained(connection: socket.socket) -> None:
    while connection.recv(1 << 20):
        pass


# Answers

GOOD = {
    "length": (OK, 200, b"ok"),
    "no reason": (b"HTTP/1.1 201\r\ncontent-length: 0\r\n\r\n", 201, b""),
    "chunked": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
        b"3;a=b\r\nabc\r\n00A\r\n0123456789\r\n0\r\nX-Trailer: 1\r\n\r\n",
        *(200, b"abc0123456789"),
    ),
    "empty chunked": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, b""),
    "to the end": (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, b"until the end"),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold", 200, b"old"),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    "interim": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK, 200, b"ok"),
    "bare line feeds": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 200, b"ok"),
    "folded": (b"HTTP/1.1 200 OK\r\nX-A: one\r\n  two\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
    "equal lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
    "chunked wins": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        *(200, b"ok"),
    ),
    "coded": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + gzip.compress(b"plain", mtime=0),
        *(200, b"plain"),
    ),
    "refused": (b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", 503, b"busy"),
}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("slowly", [False, True], ids=["at once", "byte by byte"])
def test_answers(way: Way, name: str, slowly: bool) -> None:
    raw, status, body = GOOD[name]
    with way.serving(saying(raw, slowly=slowly)) as origin:
        sender = way.sender(origin.port)
        answer = sender.send(post())
        assert (answer.status, answer.body, answer.size) == (status, body, len(body))
        assert answer.version == ("HTTP/1.0" if name == "HTTP/1.0" else "HTTP/1.1")
        sender.close()


def test_headers_come_as_they_are(way: Way) -> None:
    raw = b"HTTP/1.1 200 OK\r\nx-B:1\r\nX-a:  spaced \t\r\nx-b: \xe9\r\nSet-Cookie: a=b, c\r\nContent-Length: 0\r\n\r\n"
    with way.serving(saying(raw)) as origin:
        answer = way.sender(origin.port).send(post())
    assert answer.headers == (
        *(
            (b"x-B", b"1"),
            (b"X-a", b"spaced"),
            (b"x-b", b"\xe9"),
            (b"Set-Cookie", b"a=b, c"),
            (b"Content-Length", b"0"),
        ),
    )


@pytest.mark.parametrize("status", [b"200 OK", b"304 Not Modified"])
def test_an_answer_to_head_has_no_body_whatever_it_says(way: Way, status: bytes) -> None:
    with way.serving(saying(b"HTTP/1.1 %b\r\nContent-Length: 1000\r\n\r\n" % status)) as origin:
        answer = way.sender(origin.port).send(Outgoing(b"HEAD", b"/", [(b"Host", b"x")], (), 0))
    assert (answer.body, answer.header(b"content-length")) == (b"", b"1000")


BAD = {
    "nothing": b"",
    "another protocol": b"220 mail.example ESMTP\r\n\r\n",
    "another version": b"HTTP/2 200\r\n\r\n",
    "no such status": b"HTTP/1.1 099 X\r\n\r\n",
    "short status": b"HTTP/1.1 20 X\r\nContent-Length: 0\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "no colon": b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n",
    "space before the colon": b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
    "no name": b"HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 0\r\n\r\n",
    "zero byte": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    "bare carriage return": b"HTTP/1.1 200 OK\r\nX: a\rContent-Length: 2\r\nContent-Length: 0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
    "signed length": b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
    "negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
    "another coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok",
    "chunked twice": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "short body": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
    "no last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
    "no end of trailers": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    "odd chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nok\r\n0\r\n\r\n",
    "negative chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n",
    "long chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n",
    "huge chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%b\r\n" % (b"f" * 40),
    "other protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "endless head": b"HTTP/1.1 200 OK\r\n" + b"X-Pad: 0123456789\r\n" * 20_000 + b"\r\n",
    "endless line": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 400_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_whole_answer_leaves_the_outcome_unknown(way: Way, name: str) -> None:
    with way.serving(saying(BAD[name])) as origin:
        sender = way.sender(origin.port)
        with pytest.raises(OutcomeUnknown):
            sender.send(post())
        with pytest.raises(OutcomeUnknown):
            sender.send(post())  # on another connection: this one is given up
        assert len(origin.requests) == 2


def test_what_comes_behind_an_answer_answers_nothing(way: Way) -> None:
    def handle(connection: socket.socket, origin: Origin) -> None:
        while request := read_request(connection):
            origin.requests.append(request)
            path = request.split(b" ")[1]
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + path + b"HTTP/1.1 200 OK\r\n\r\nevil")

    with way.serving(handle) as origin:
        sender = way.sender(origin.port)
        assert [sender.send(post(path)).body for path in (b"/1", b"/2", b"/3")] == [b"/1", b"/2", b"/3"]


def test_an_answer_nobody_asked_for_is_not_taken(way: Way) -> None:
    pushed = threading.Event()

    def handle(connection: socket.socket, origin: Origin) -> None:
        read_request(connection)
        origin.requests.append(b"")
        first = len(origin.requests) == 1
        connection.sendall(OK if first else OK.replace(b"ok", b"me"))
        if first:
            time.sleep(0.05)  # apart from the answer, which must have been taken as whole
            connection.sendall(OK.replace(b"ok", b"no"))
            pushed.set()
        drained(connection)

    with way.serving(handle) as origin:
        sender = way.sender(origin.port)
        assert sender.send(post()).body == b"ok"
        if way.kind == "own":
            assert pushed.wait(5)
        assert sender.send(post()).body == b"me"


# Requests


def test_a_request_leaves_byte_by_byte(way: Way) -> None:
    headers = ((b"x-B", b"1"), (b"X-Empty", b""), (b"X-a", b"\xe9\xff"), (b"x-b", b"1"))
    with way.serving(saying(OK)) as origin:
        way.sender(origin.port).send(post(b"/a%20b?c=/d&e", b"\x00body", headers))
        (request,) = origin.requests
    assert request == (
        b"POST /a%20b?c=/d&e HTTP/1.1\r\nHost: x\r\nx-B: 1\r\nX-Empty: \r\nX-a: \xe9\xff\r\nx-b: 1\r\n"
        b"Content-Length: 5\r\n\r\n\x00body"
    )


def test_a_long_body_is_streamed(way: Way) -> None:
    body = os.urandom(3_000_000)
    with way.serving(saying(OK, OK)) as origin:
        sender = way.sender(origin.port)
        sender.send(streamed((body[at : at + 70_000] for at in range(0, len(body), 70_000)), len(body)))
        sender.send(post(body=body))
        assert [request.partition(b"\r\n\r\n")[2] == body for request in origin.requests] == [True, True]


def test_a_chunked_request_is_sent_in_chunks(way: Way) -> None:
    headers = [(b"Host", b"x"), (b"Transfer-Encoding", b"chunked")]
    with way.serving(saying(OK)) as origin:
        way.sender(origin.port).send(Outgoing(b"POST", b"/", headers, iter((b"abc", b"", b"0123456789")), 13))
        assert origin.requests[0].partition(b"\r\n\r\n")[2] == b"3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n"


UNSENDABLE = {
    "name": post(headers=((b"X Odd", b"1"),)),
    "empty name": post(headers=((b"", b"1"),)),
    "name of two": post(headers=((b"X: 1\r\nY", b"1"),)),
    "value of two": post(headers=((b"X", b"1\r\nY: 2"),)),
    "line feed": post(headers=((b"X", b"1\nY: 2"),)),
    "carriage return": post(headers=((b"X", b"1\rY: 2"),)),
    "zero byte": post(headers=((b"X", b"\0"),)),
    "path": post(b"/a b"),
    "path of two": post(b"/ HTTP/1.1\r\nX: 1\r\n\r\nGET /"),
    "method": replace(post(), method=b"PO ST"),
    "request of two": post(headers=((b"X", b"1\r\n\r\nGET /evil HTTP/1.1\r\nHost: x"),)),
}


@pytest.mark.parametrize("name", UNSENDABLE)
def test_what_cannot_be_put_on_the_wire_never_leaves(way: Way, name: str) -> None:
    with way.serving(saying(OK, OK)) as origin:
        sender = way.sender(origin.port)
        with pytest.raises(Unsendable, match="cannot be put on the wire"):
            sender.send(UNSENDABLE[name])
        sender.send(post(b"/fine"))
        assert [request.split(b" ")[1] for request in origin.requests] == [b"/fine"]


def failing() -> Iterator[bytes]:
    yield b"x" * 70_000
    raise VaultUnavailable("the vault went away")


def test_a_body_that_breaks_off_says_so_itself(way: Way) -> None:
    with way.serving(saying(OK, OK)) as origin:
        sender = way.sender(origin.port)
        with pytest.raises(VaultUnavailable):
            sender.send(streamed(failing(), 200_000))
        assert sender.send(post()).status == 200


@pytest.mark.parametrize("pieces", [[b"short"], [b"much too", b" long to be true"]])
def test_a_body_of_another_length_than_it_says_is_no_whole_request(way: Way, pieces: list[bytes]) -> None:
    def handle(connection: socket.socket, origin: Origin) -> None:
        data = b""
        try:
            while piece := connection.recv(65536):
                data += piece
        finally:  # TLS calls this end an error
            origin.requests.append(data)
            done.set()

    done = threading.Event()
    with way.serving(handle) as origin:
        sender = way.sender(origin.port)
        with pytest.raises(OutcomeUnknown):
            sender.send(streamed(iter(pieces), 10))
        assert done.wait(5)
        assert len(origin.requests[0].partition(b"\r\n\r\n")[2]) < 10  # no server can have taken it for whole


# Failures and what they mean


def test_nobody_listens(way: Way) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotSent, match="refused") as raised:
        way.sender(port).send(post())
    assert raised.value.passing


def test_a_name_that_cannot_be(way: Way) -> None:
    target = Target("http", "no.such.host.invalid", 80)
    sender = Http1Sender(target, QUICK) if way.kind == "own" else HttpcoreSender(target, QUICK)
    with pytest.raises(NotSent):
        sender.send(post())


def test_a_certificate_nobody_vouches_for(certificate: Certificate) -> None:
    for kind in (new_sender, HttpcoreSender):
        with serving(saying(OK), certificate.context()) as origin:
            sender = kind(Target("https", "localhost", origin.port), QUICK, tls_context())
            with pytest.raises(NotSent, match="certificate verify failed") as raised:
                sender.send(post())
            assert not raised.value.passing
            assert origin.requests == []


def test_a_handshake_that_never_ends() -> None:
    for kind in (new_sender, HttpcoreSender):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            target = Target("https", "localhost", listener.getsockname()[1])
            with pytest.raises(NotSent) as raised:
                kind(target, Timeouts(connect=0.2), tls_context()).send(post())
            assert raised.value.passing


def test_no_answer_in_time(way: Way) -> None:
    with way.serving(lambda connection, _: drained(connection)) as origin:
        sender = way.sender(origin.port, replace(QUICK, progress=0.2))
        with pytest.raises(OutcomeUnknown, match="no answer in time"):
            sender.send(post())


def test_an_answer_that_never_gets_whole(way: Way) -> None:
    def handle(connection: socket.socket, origin: Origin) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            connection.sendall(b"x")
            time.sleep(0.02)

    with way.serving(handle) as origin, pytest.raises(OutcomeUnknown, match="was not whole after"):
        way.sender(origin.port, replace(QUICK, whole=0.3)).send(post())


def test_a_target_that_stops_reading(way: Way) -> None:
    def handle(connection: socket.socket, _: Origin) -> None:
        connection.recv(1)
        done.wait(10)

    done = threading.Event()
    with way.serving(handle) as origin:
        with pytest.raises(OutcomeUnknown, match="stopped reading"):
            way.sender(origin.port, replace(QUICK, progress=0.2)).send(streamed((b"x" * 70_000,) * 1000, 70_000_000))
        done.set()


def test_a_refusal_half_way_is_the_answer(way: Way) -> None:
    def handle(connection: socket.socket, origin: Origin) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig")
        drained(connection)

    with way.serving(handle) as origin:
        answer = way.sender(origin.port).send(streamed((b"x" * 70_000 for _ in range(100)), 7_000_000))
        assert (answer.status, answer.body) == (413, b"big")


def test_an_idle_connection_that_the_target_closed_is_not_used(way: Way) -> None:
    with way.serving(saying(OK)) as origin:
        sender = way.sender(origin.port)
        for _ in range(3):
            assert sender.send(post()).status == 200
            time.sleep(0.02)  # for the end of the connection to arrive
        assert len(origin.requests) == 3


# What our own HTTP/1.1 promises beyond


def counting(raw: bytes) -> tuple[Handler, list[int]]:
    connections: list[int] = []

    def handle(connection: socket.socket, origin: Origin) -> None:
        connections.append(1)
        while read_request(connection):
            connection.sendall(raw)

    return handle, connections


@pytest.mark.parametrize(
    ("raw", "headers", "kept"),
    [
        (OK, (), True),
        (OK.replace(b"Content", b"connection: Keep-Alive\r\nContent").replace(b"/1.1", b"/1.0"), (), True),
        (OK.replace(b"/1.1", b"/1.0"), (), False),
        (OK.replace(b"Content", b"Connection: x, Close\r\nContent"), (), False),
        (OK, ((b"connection", b"close"),), False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\r\n", (), True),
        (b"HTTP/1.1 200 K\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", (), False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", (), True),
    ],
)
def test_a_connection_is_kept_where_both_sides_mean_to(
    own: Way, raw: bytes, headers: tuple[tuple[bytes, bytes], ...], kept: bool
) -> None:
    handle, connections = counting(raw)
    with own.serving(handle) as origin:
        sender = own.sender(origin.port)
        for _ in range(3):
            sender.send(post(headers=headers))
        assert len(connections) == (1 if kept else 3)


def test_too_many_interim_answers(own: Way) -> None:
    with own.serving(saying(b"HTTP/1.1 102 Wait\r\n\r\n" * 200 + OK)) as origin:
        sender = own.sender(origin.port)
        with pytest.raises(OutcomeUnknown, match="interim"):
            sender.send(post())


EXPECTING = Outgoing(
    b"PUT", b"/", [(b"Host", b"x"), (b"Content-Length", b"4"), (b"Expect", b"100-continue")], iter((b"body",)), 4
)


@pytest.mark.parametrize("word", [b"HTTP/1.1 100 Continue\r\n\r\n", b""], ids=["told", "not told"])
def test_a_body_waits_for_the_word_but_not_for_ever(own: Way, word: bytes) -> None:
    def handle(connection: socket.socket, origin: Origin) -> None:
        head = connection.recv(65536)
        connection.sendall(word)
        origin.requests += [head, connection.recv(65536)]
        connection.sendall(OK)

    with own.serving(handle) as origin:
        assert own.sender(origin.port).send(replace(EXPECTING, body=iter((b"body",)))).status == 200
        assert origin.requests[0].endswith(b"\r\n\r\n")
        assert origin.requests[1] == b"body"


def test_a_body_that_is_refused_is_not_sent(own: Way) -> None:
    def handle(connection: socket.socket, origin: Origin) -> None:
        origin.requests.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")
        origin.requests.append(connection.recv(65536))
        ended.set()

    ended = threading.Event()
    with own.serving(handle) as origin:
        assert own.sender(origin.port).send(replace(EXPECTING, body=iter((b"body",)))).status == 417
        assert ended.wait(5)
        assert origin.requests[1] == b""  # and the connection, which still waits for a body, is given up


@pytest.mark.parametrize("hangs_up", [False, True])
def test_a_target_that_refuses_and_does_not_read_on_is_heard(hangs_up: bool) -> None:
    """Over TLS the reset of one that hangs up may overtake what is not decoded: nobody can promise that one."""
    own = Way("own", None)

    def handle(connection: socket.socket, origin: Origin) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 401 Who\r\nContent-Length: 3\r\n\r\nwho")
        if not hangs_up:
            done.wait(10)

    done = threading.Event()
    with own.serving(handle) as origin:
        sender = own.sender(origin.port)
        assert sender.send(streamed((b"x" * 70_000 for _ in range(1000)), 70_000_000)).body == b"who"
        done.set()


def test_a_target_that_accepts_early_gets_the_whole_body(own: Way) -> None:
    body = os.urandom(4_000_000)

    def handle(connection: socket.socket, origin: Origin) -> None:
        data = connection.recv(1000)
        connection.sendall(OK)
        while not data.endswith(body[-100:]):
            data += connection.recv(1 << 20)
        origin.requests.append(data)
        done.set()

    done = threading.Event()
    with own.serving(handle) as origin:
        answer = own.sender(origin.port).send(
            streamed((body[at : at + 9999] for at in range(0, 4_000_000, 9999)), 4_000_000)
        )
        assert answer.status == 200
        assert done.wait(5)
        assert origin.requests[0].endswith(body)


def test_a_connection_that_took_nothing_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The target closes an idle connection in the very moment in which it is used again."""

    def handle(connection: socket.socket, origin: Origin) -> None:
        origin.requests.append(read_request(connection))
        connection.sendall(OK)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        reset.set()

    reset = threading.Event()
    monkeypatch.setattr(Channel, "readable", lambda *_: False)  # its end is not seen yet
    with serving(handle) as origin:
        sender = Http1Sender(Target("http", "127.0.0.1", origin.port), QUICK)
        for number in range(3):
            body = iter((b"%d" % number,))
            assert sender.send(streamed(body, 1)).status == 200
            assert reset.wait(5)
            reset.clear()
            time.sleep(0.01)  # for the reset to arrive
        assert [request[-1:] for request in origin.requests] == [b"0", b"1", b"2"]


def test_a_disk_that_fails_is_not_the_connection(own: Way) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x"
        raise OSError(5, "Input/output error")

    with own.serving(saying(OK)) as origin, pytest.raises(OutcomeUnknown, match=r"request broke off.*Input/output"):
        own.sender(origin.port).send(streamed(broken(), 100))


def test_http_2_is_learnt_with_the_first_connection_and_nothing_is_sent_on_it(certificate: Certificate) -> None:
    seen: list[str] = []

    def handle(connection: socket.socket, origin: Origin) -> None:
        seen.append(connection.selected_alpn_protocol() or "")  # type: ignore[attr-defined] # it is an SSLSocket
        origin.requests.append(connection.recv(65536))

    with serving(handle, certificate.context("h2")) as origin:
        sender = new_sender(Target("https", "localhost", origin.port), QUICK, tls_context(certificate.file))
        with pytest.raises(OutcomeUnknown):
            sender.send(post())
        assert seen == ["h2", "h2"]
        assert [request[:14] for request in origin.requests if request] == [b"PRI * HTTP/2.0"]
