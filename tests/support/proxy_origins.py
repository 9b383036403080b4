"""Origins behind the proxy in tests: HTTP/1.1 by script, HTTP/2 over TLS, and ones that misbehave."""

import contextlib
import datetime
import ipaddress
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import h2.config
import h2.connection
import h2.events
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

type Handler = Callable[[socket.socket], None]


@dataclass
class Origin:
    """A server whose every connection is given to a handler, each in a thread of its own."""

    port: int
    requests: list[bytes] = field(default_factory=list)
    """Whole requests as they arrived, if the handler notes them."""


@contextlib.contextmanager
def serving(
    handler: Callable[[socket.socket, Origin], None], context: ssl.SSLContext | None = None
) -> Iterator[Origin]:
    listener = socket.create_server(("127.0.0.1", 0))
    origin = Origin(listener.getsockname()[1])
    stopping = threading.Event()

    def accept() -> None:
        while not stopping.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    def serve(connection: socket.socket) -> None:
        # A peer that goes away in the middle is what many of these tests are about.
        with contextlib.suppress(OSError):
            if context is not None:
                connection = context.wrap_socket(connection, server_side=True)
            with connection:
                handler(connection, origin)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield origin
    finally:
        stopping.set()
        listener.close()


def read_request(connection: socket.socket) -> bytes:
    """One request, with a Content-Length or chunked body, or b"" at the end of the connection."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        while not body.endswith(b"0\r\n\r\n"):
            body += connection.recv(65536)
    elif b"content-length:" in lower:
        length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
        while len(body) < length:
            chunk = connection.recv(65536)
            if not chunk:
                break
            body += chunk
    return head + b"\r\n\r\n" + body


def answering(*answers: bytes) -> Callable[[socket.socket, Origin], None]:
    """Answers every request with these bytes, in turn and then the last one again."""

    def handle(connection: socket.socket, origin: Origin) -> None:
        number = 0
        while request := read_request(connection):
            origin.requests.append(request)
            connection.sendall(answers[min(number, len(answers) - 1)])
            number += 1

    return handle


def json_answer(body: bytes = b'{"ok": true}', headers: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s" % (
        len(body),
        headers,
        body,
    )


def resetting(before: bytes = b"") -> Callable[[socket.socket, Origin], None]:
    """Reads a request, perhaps begins an answer, and resets the connection."""

    def handle(connection: socket.socket, origin: Origin) -> None:
        origin.requests.append(read_request(connection))
        if before:
            connection.sendall(before)
            connection.recv(1)  # returns when the proxy has gone on reading; see `hold`
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return handle


def free_port() -> int:
    """A port at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Certificate:
    """A self-signed server certificate for `localhost` and 127.0.0.1."""

    file: Path
    key: Path

    def context(self, *alpn: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context


def make_certificate(folder: Path) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    file, key_file = folder / "origin.pem", folder / "origin.key"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Certificate(file, key_file)


def h2_origin(
    connection: socket.socket, origin: Origin, trailers: Sequence[tuple[bytes, bytes]] = ((b"grpc-status", b"0"),)
) -> None:
    """HTTP/2: answers every stream with what it sent, as fast as flow control allows, and trailers."""
    conn = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding=None))
    conn.initiate_connection()
    connection.sendall(conn.data_to_send())
    bodies: dict[int, bytes] = {}
    answers: dict[int, bytes] = {}
    while data := connection.recv(65536):
        for event in conn.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                bodies[event.stream_id] = b""
                origin.requests.append(b"\n".join(name + b": " + value for name, value in event.headers))
            elif isinstance(event, h2.events.DataReceived):
                bodies[event.stream_id] += event.data
                conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                answers[event.stream_id] = b"echo:" + bodies.pop(event.stream_id)
                headers = [(b":status", b"200"), (b"content-type", b"application/octet-stream")]
                conn.send_headers(event.stream_id, headers)
        for stream, answer in list(answers.items()):
            sent = 0
            while room := min(conn.local_flow_control_window(stream), conn.max_outbound_frame_size, len(answer) - sent):
                conn.send_data(stream, answer[sent : sent + room])
                sent += room
            answers[stream] = answer[sent:]
            if not answers[stream]:
                del answers[stream]
                conn.send_headers(stream, trailers, end_stream=True)
        connection.sendall(conn.data_to_send())
