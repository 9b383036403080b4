"""A small HTTP/2 client for tests of the proxy: concurrent streams with bodies under flow control."""

import ssl

import h2.config
import h2.connection
import h2.events


def h2_requests(
    client: ssl.SSLSocket, port: int, bodies: list[bytes]
) -> list[tuple[list[tuple[bytes, bytes]], bytes, list[tuple[bytes, bytes]]]]:
    """Sends them as concurrent streams; the headers, body and trailers of each answer, in the order sent."""
    conn = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=None))
    conn.initiate_connection()
    streams = {}
    for number, _ in enumerate(bodies):
        stream = conn.get_next_available_stream_id()
        streams[stream] = number
        headers = [
            (":method", "POST"), (":scheme", "https"), (":authority", f"localhost:{port}"), (":path", f"/h2/{number}"),
            ("x-case", "kept"),
        ]  # fmt: skip
        conn.send_headers(stream, headers)
    client.sendall(conn.data_to_send())
    rest = {stream: bodies[number] for stream, number in streams.items()}
    heads: dict[int, list[tuple[bytes, bytes]]] = {}
    trailers: dict[int, list[tuple[bytes, bytes]]] = {}
    received = dict.fromkeys(streams, b"")
    done: set[int] = set()
    while len(done) < len(bodies):
        for stream in list(rest):
            while (room := min(conn.local_flow_control_window(stream), conn.max_outbound_frame_size)) and rest[stream]:
                conn.send_data(stream, rest[stream][:room])
                rest[stream] = rest[stream][room:]
            if not rest[stream]:
                conn.end_stream(stream)
                del rest[stream]
        client.sendall(conn.data_to_send())
        data = client.recv(65536)
        assert data, "the proxy closed the connection"
        for event in conn.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                heads[event.stream_id] = list(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                received[event.stream_id] += event.data
                conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.TrailersReceived):
                trailers[event.stream_id] = list(event.headers)
            elif isinstance(event, h2.events.StreamEnded):
                done.add(event.stream_id)
            assert not isinstance(event, h2.events.StreamReset | h2.events.ConnectionTerminated), event
    return [(heads[stream], received[stream], trailers.get(stream, [])) for stream in streams]
