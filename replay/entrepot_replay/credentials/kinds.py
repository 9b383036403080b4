"""The kinds of `[[credential]]`: what each covers, and how its secrets are read and put together."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from entrepot_store.config import CredentialConfig
from entrepot_store.errors import BadInput
from entrepot_store.redact.reference import clean_label

from ..target import Target
from .asking import Ask, login, oauth2, with_scheme
from .material import Keys, Material
from .references import label_of, normal
from .signature import SIGV4
from .sources import Source

ASKING = frozenset({"login", "oauth2"})
"""Kinds that a server gives out: not before a step needs them, because a login may need what earlier steps bring."""


def configured_for(
    entries: Sequence[CredentialConfig], destination: str, target: Target, *, only_named: bool = False
) -> list[CredentialConfig]:
    """Those for replays of that destination into that target. `only_named`: without those that name no target, so that
    whoever may choose the target cannot have them sent to a server of their own."""
    here = (target.scheme, target.host, target.port)
    found = []
    for entry in entries:
        named = [Target.parse(url) for url in entry.target]
        fits = here in [(one.scheme, one.host, one.port) for one in named] if named else not only_named
        if entry.to == destination and fits:
            found.append(entry)
    return found


def labels_of(config: CredentialConfig) -> frozenset[str]:
    """The names of the references it can stand for."""
    header = label_of(config.header)
    by_kind: dict[str, frozenset[str]] = {
        "query": frozenset({normal(clean_label(config.field or ""))}),
        "cookie": frozenset({"cookie"}),
        "login": frozenset({"cookie"} | ({header} if config.login and config.login.token else set())),
        "sigv4": frozenset({SIGV4}),
    }
    return by_kind.get(config.kind, frozenset({header}))


def check_sources(config: CredentialConfig) -> None:
    """Reads what is in variables and files, so that what is missing is known before anything is asked for or sent.
    Commands are not run for that. Raises BadInput."""
    for text in _texts(config.model_dump()):
        source = Source.parse(config.name, text)
        if source is not None and source.kind != "cmd":
            source.read()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def maker(config: CredentialConfig, ask: Ask) -> Callable[[], Material]:
    """What makes it, each time anew. It raises BadInput, and NotSent or Unsendable if it asks a server."""
    if config.kind == "oauth2":
        return lambda: oauth2(config, ask)
    if config.kind == "login":
        return lambda: login(config, ask)
    return lambda: _STATIC[config.kind](config)


def _bearer(config: CredentialConfig) -> Material:
    return Material(headers={label_of(config.header): with_scheme(config, _read(config, config.token))})


def _basic(config: CredentialConfig) -> Material:
    pair = b64encode(_read(config, config.user) + b":" + _read(config, config.password))
    return Material(headers={label_of(config.header): b"Basic " + pair})


def _api_key(config: CredentialConfig) -> Material:
    return Material(values={label_of(config.header): _read(config, config.value)})


def _field(config: CredentialConfig) -> Material:
    return Material(fields={normal(clean_label(config.field or "")): _read(config, config.value)})


def _cookie(config: CredentialConfig) -> Material:
    value = _read(config, config.value)
    if config.cookie is None:
        return Material(headers={"cookie": value})
    return Material(cookies={config.cookie.encode(): value})


def _sigv4(config: CredentialConfig) -> Material:
    texts = (config.access_key, config.secret_key, config.session_token)
    access_key, secret_key, token = (_read(config, text).decode("latin-1") if text else "" for text in texts)
    return Material(keys=Keys(access_key, secret_key, token, config.region or "", config.service or ""))


_STATIC: dict[str, Callable[[CredentialConfig], Material]] = {
    "bearer": _bearer,
    "basic": _basic,
    "header": _api_key,
    "query": _field,
    "cookie": _cookie,
    "sigv4": _sigv4,
}


def given_keys(label: str, value: bytes) -> Keys:
    """`ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]`, as `--credential sigv4=…` has it. Raises BadInput."""
    parts = value.decode("latin-1").split(":", 2)
    if len(parts) < 2 or not all(parts):
        raise BadInput(
            f"The credential {label} is not a pair of keys.",
            hint="Its value must be ACCESS_KEY_ID:SECRET_ACCESS_KEY, with :SESSION_TOKEN for temporary keys.",
        )
    return Keys(*parts)


def _read(config: CredentialConfig, text: str | None) -> bytes:
    source = Source.parse(config.name, text or "")
    return (text or "").encode() if source is None else source.read()
