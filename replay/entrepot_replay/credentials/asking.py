"""Credentials that a server gives out: an OAuth 2 token for client credentials, and a login's cookies and token.

Both are one request each, sent by the replay's own sender, which trusts the same CAs and has the same timeouts.
"""

import json
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode

from entrepot_store.config import CredentialConfig, LoginConfig
from entrepot_store.jsonpaths import TooDeep, compile_path

from ..answer import Answer
from ..errors import NotSent, Unsendable
from .material import Material
from .references import label_of
from .sources import Source

LEEWAY_SECONDS = 30.0
"""A token is not used in its last seconds, or in the last tenth of a short life."""


type Ask = Callable[[str, str | None, str, list[tuple[bytes, bytes]], bytes], Answer]
"""Sends method, URL (None: the target), path, headers and body. Raises NotSent if no whole answer came."""


def oauth2(config: CredentialConfig, ask: Ask) -> Material:
    """RFC 6749 §4.4. Raises BadInput, NotSent, Unsendable."""
    client, secret = _text(config, config.client_id or ""), _text(config, config.client_secret or "")
    form = {"grant_type": "client_credentials"}
    if config.scope:
        form["scope"] = config.scope
    headers = [(b"Content-Type", b"application/x-www-form-urlencoded"), (b"Accept", b"application/json")]
    if config.client_auth == "body":
        form |= {"client_id": client, "client_secret": secret}
    else:  # RFC 6749 §2.3.1: both are form-encoded first
        pair = f"{quote_plus(client)}:{quote_plus(secret)}".encode()
        headers.append((b"Authorization", b"Basic " + b64encode(pair)))
    answer = ask("POST", config.token_url or "", "", headers, urlencode(form).encode())
    what = f"the token endpoint of the credential {config.name}"
    _check(answer, what)
    given = _json(answer)
    given = given if isinstance(given, dict) else {}
    token, kind = given.get("access_token"), given.get("token_type", "bearer")
    if not isinstance(token, str) or not _sendable(token) or str(kind).lower() != "bearer":
        raise Unsendable(f"{what} answered without a bearer token")
    made = {label_of(config.header): b"Bearer " + token.encode()}
    return Material(headers=made, expires=_expires(given.get("expires_in")))


def login(config: CredentialConfig, ask: Ask) -> Material:
    """The login's cookies and token. Raises BadInput, NotSent, Unsendable."""
    request = config.login
    if request is None:  # the configuration refuses it
        raise Unsendable(f"the credential {config.name} has no login")
    headers, body = _body(config, request)
    answer = ask(request.method, None, request.path, headers, body)
    what = f"the login of the credential {config.name}"
    _check(answer, what)
    cookies = dict(_cookies(answer))
    made: dict[str, bytes] = {}
    if request.token is not None:
        try:
            found = compile_path(request.token).find(_json(answer))
        except TooDeep:
            found = []
        if len(found) != 1 or not isinstance(found[0], str) or not _sendable(found[0]):
            raise Unsendable(f"{what} answered without a token at {request.token}")
        made[label_of(config.header)] = with_scheme(config, found[0].encode())
    if not made and not cookies:
        raise Unsendable(f"{what} gave neither cookies nor a token")
    return Material(headers=made, cookies=cookies)


def with_scheme(config: CredentialConfig, token: bytes) -> bytes:
    """`Bearer x`. A token that brings its own scheme does not double it; headers of other names take it as it is."""
    scheme = config.scheme or ("Bearer" if label_of(config.header) == "authorization" else "")
    prefix = f"{scheme} ".encode() if scheme else b""
    return token if token.lower().startswith(prefix.lower()) else prefix + token


def _text(config: CredentialConfig, text: str) -> str:
    source = Source.parse(config.name, text)
    return text if source is None else source.read().decode("utf-8", "surrogateescape")


def _body(config: CredentialConfig, request: LoginConfig) -> tuple[list[tuple[bytes, bytes]], bytes]:
    if request.form is not None:
        fields = {name: _text(config, value) for name, value in request.form.items()}
        body = urlencode(fields, errors="surrogateescape").encode()
        return [(b"Content-Type", b"application/x-www-form-urlencoded")], body
    if request.body is not None:
        filled = _filled(request.body, lambda text: _text(config, text))
        return [(b"Content-Type", b"application/json")], json.dumps(filled).encode()
    return [], b""


def _filled(value: Any, read: Callable[[str], str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _filled(inner, read) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(inner, read) for inner in value]
    return read(value) if isinstance(value, str) else value


def _check(answer: Answer, what: str) -> None:
    """Raises NotSent for what may pass (429, 5xx), Unsendable for what will not. Bodies are not quoted: they may hold
    what was sent."""
    if answer.status == 429 or answer.status >= 500:
        raise NotSent(f"{what} answered {answer.status}")
    if answer.status >= 400:
        raise Unsendable(f"{what} answered {answer.status}")


def _json(answer: Answer) -> Any:
    try:
        return json.loads(answer.body or b"null")
    except (ValueError, RecursionError):
        return None


def _cookies(answer: Answer) -> list[tuple[bytes, bytes]]:
    """Names and values of the answer's cookies; those with an empty value are being deleted."""
    found = []
    for name, value in answer.headers:
        if name.lower() == b"set-cookie":
            cookie, equals, content = value.partition(b";")[0].strip().partition(b"=")
            if equals and content.strip():
                found.append((cookie.strip(), content.strip()))
    return found


def _sendable(token: str) -> bool:
    return bool(token) and token.isascii() and token.isprintable()


def _expires(seconds: Any) -> float | None:
    try:
        life = float(seconds)
    except (TypeError, ValueError):
        return None
    return time.monotonic() + life - min(LEEWAY_SECONDS, life / 10) if life > 0 else None
