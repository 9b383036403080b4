"""Which Sender a target gets: our own for HTTP/1.1, httpcore's where TLS agrees on HTTP/2."""

import ssl

from ..answer import Answer
from ..outgoing import Outgoing
from ..sender import Sender, Timeouts
from ..target import Target
from .http1 import Http1Sender, SpeaksHttp2
from .httpcore_sender import HttpcoreSender


class NegotiatedSender:
    """Offers both versions to a target that speaks TLS. Which one it takes is learnt with the first connection and
    kept: a second handshake is the price, once."""

    def __init__(self, target: Target, timeouts: Timeouts, tls: ssl.SSLContext) -> None:
        tls.set_alpn_protocols(["h2", "http/1.1"])
        self._http1 = Http1Sender(target, timeouts, tls)
        self._httpcore = HttpcoreSender(target, timeouts, tls)
        self._inner: Sender = self._http1

    def send(self, request: Outgoing) -> Answer:
        try:
            return self._inner.send(request)
        except SpeaksHttp2:
            self._inner = self._httpcore
        return self._inner.send(request)

    def close(self) -> None:
        self._http1.close()
        self._httpcore.close()


def new_sender(target: Target, timeouts: Timeouts, tls: ssl.SSLContext | None = None) -> Sender:
    """The Sender for a target. `tls` is used, and needed, for https; see `sender.tls_context`."""
    if target.scheme == "http":
        return Http1Sender(target, timeouts)
    return NegotiatedSender(target, timeouts, tls or ssl.create_default_context())
