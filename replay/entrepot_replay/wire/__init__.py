"""How requests get onto the wire and answers off it: HTTP/1.1 on sockets of our own, HTTP/2 through httpcore.

`channel` is a connection with time limits; `request_head`, `answer_head` and `framing` are HTTP/1.1's syntax, without
any socket; `http1` is the Sender made of these; `httpcore_sender` the one for HTTP/2; `negotiated` chooses. HTTP/1.1 is
our own because a replay spends most of its time there, and because what a broken answer means must be told exactly.
"""

from .http1 import Http1Sender
from .httpcore_sender import HttpcoreSender
from .negotiated import NegotiatedSender, new_sender

__all__ = ["Http1Sender", "HttpcoreSender", "NegotiatedSender", "new_sender"]
