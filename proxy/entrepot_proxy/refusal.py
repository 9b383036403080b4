"""The 503 that `on_failure = "closed"` answers when an exchange cannot be recorded."""

import json

from mitmproxy import http

BODY = json.dumps(
    {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": 'This exchange has to be recorded and cannot be at present (rule with on_failure = "closed").',
    }
).encode()


def unavailable() -> http.Response:
    return http.Response.make(
        503,
        BODY,
        http.Headers(
            (
                (b"Content-Type", b"application/problem+json"),
                (b"Content-Length", b"%d" % len(BODY)),
                (b"Retry-After", b"1"),
            )
        ),
    )


def refuse(flow: http.HTTPFlow) -> None:
    """Answers 503 in place of what the flow would get. A response that already streams is broken off instead."""
    response = flow.response
    if response is not None and response.stream:
        if flow.killable:
            flow.kill()  # type: ignore[no-untyped-call] # mitmproxy is typed in part
        return
    answer = unavailable()
    answer.timestamp_start = answer.timestamp_end = flow.request.timestamp_start
    flow.response = answer
