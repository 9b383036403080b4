"""What credentials need of senders: a request sent once more with a credential made anew, and servers that give out
credentials asked."""

from collections.abc import Callable

from .answer import Answer
from .credentials import Ask
from .errors import NotSent, OutcomeUnknown
from .outgoing import Outgoing
from .sender import Sender
from .target import Target


class RenewingSender:
    """A Sender. What the target refuses for a credential that can be made anew is sent again, once."""

    def __init__(self, inner: Sender) -> None:
        self._inner = inner

    def send(self, request: Outgoing) -> Answer:
        """As the sender within. The answer to the first request is the answer if nothing else can be sent."""
        answer = self._inner.send(request)
        again = request.again(answer.status) if request.again is not None else None
        if again is None:
            return answer
        answer = self._inner.send(again)
        if again.settle is not None:
            again.settle(answer.status)
        return answer

    def close(self) -> None:
        self._inner.close()


def asker(target: Target, new_sender: Callable[[Target], Sender]) -> Ask:
    """Asks the target, or the server of a URL, on a connection of its own."""

    def ask(method: str, url: str | None, path: str, headers: list[tuple[bytes, bytes]], body: bytes) -> Answer:
        server = target if url is None else Target.parse(url)
        whole = [(b"Host", server.authority.encode()), *headers, (b"Content-Length", b"%d" % len(body))]
        wire_path = (server.prefix + path or "/").encode()
        request = Outgoing(method.encode(), wire_path, whole, (body,) if body else (), len(body))
        sender = new_sender(server)
        try:
            return sender.send(request)
        except OutcomeUnknown as error:  # asking twice does no harm
            raise NotSent(f"{server.authority}: {error}") from error
        except NotSent as error:
            raise NotSent(f"{server.authority}: {error}", passing=error.passing) from error
        finally:
            sender.close()

    return ask
