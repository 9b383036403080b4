"""What people write to select exchanges and documents, turned into the catalog's filters: one reading for command line
and HTTP."""

import re
from collections.abc import Iterable

from entrepot_store.catalog import ExchangeFilter
from entrepot_store.catalog.documents import DocumentFilter
from entrepot_store.catalog.fields import FieldCondition
from entrepot_store.clock import from_rfc3339, to_rfc3339
from entrepot_store.errors import BadInput
from entrepot_store.model import safe_text

_RELATIVE = re.compile(r"(\d{1,9})([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_STATUS = re.compile(r"[1-5](\d\d|xx)", re.IGNORECASE | re.ASCII)

MOMENT_HELP = "An RFC 3339 time (2026-11-22T12:50:02Z), a date, or an age such as 30m, 2h, 3d or 1w."


def moment(text: str, now: int, name: str) -> int:
    """Microseconds since the epoch. `name` is the option or parameter that a refusal names. Raises BadInput."""
    relative = _RELATIVE.fullmatch(text)
    if relative:
        return max(now - int(relative[1]) * _SECONDS[relative[2]] * 1_000_000, 0)
    try:
        return from_rfc3339(text)
    except (ValueError, OverflowError):
        raise BadInput(f"{name}: {text!r} is not a time.", hint=MOMENT_HELP) from None


def past_moment(text: str, now: int, name: str) -> int:
    """As `moment`, and not in the future, of which nobody knows anything yet. Raises BadInput."""
    at = moment(text, now, name)
    if at > now:
        raise BadInput(
            f"{name}: {to_rfc3339(at)} lies in the future; it is {to_rfc3339(now)}.",
            hint=f"Leave {name} out to see what is known now.",
        )
    return at


def exchange_filter(
    *,
    now: int,
    source: Iterable[str] | None = None,
    destination: Iterable[str] | None = None,
    method: Iterable[str] | None = None,
    path: str | None = None,
    path_prefix: str | None = None,
    path_template: str | None = None,
    status: Iterable[str] | None = None,
    content_type: Iterable[str] | None = None,
    since: str | None = None,
    until: str | None = None,
    min_size: int | None = None,
    max_size: int | None = None,
    complete: bool | None = None,
    rule: Iterable[str] | None = None,
    retention_class: Iterable[str] | None = None,
    trace_id: str | None = None,
    fields: Iterable[str] | None = None,
) -> ExchangeFilter:
    """The filter that the given texts mean; `now` (microseconds) is what ages count back from. Raises BadInput."""
    return ExchangeFilter(
        source=_stored_all(source),
        destination=_stored_all(destination),
        method=tuple(value.upper() for value in _stored_all(method)),
        path=_stored(path),
        path_prefix=_stored(path_prefix),
        path_template=_stored(path_template),
        status=tuple(_status(value) for value in status or ()),
        content_type=tuple(value.lower() for value in _stored_all(content_type)),
        since=None if since is None else moment(since, now, "since"),
        until=None if until is None else moment(until, now, "until"),
        min_size=min_size,
        max_size=max_size,
        complete=complete,
        rule=_stored_all(rule),
        retention_class=_stored_all(retention_class),
        trace_id=_stored(trace_id),
        fields=_conditions(fields),
    )


def document_filter(
    *,
    destination: Iterable[str] | None = None,
    key: str | None = None,
    key_prefix: str | None = None,
    key_template: str | None = None,
    rule: Iterable[str] | None = None,
    retention_class: Iterable[str] | None = None,
    media_type: Iterable[str] | None = None,
    deleted: bool | None = None,
    fields: Iterable[str] | None = None,
) -> DocumentFilter:
    """The filter that the given texts mean."""
    return DocumentFilter(
        destination=_stored_all(destination),
        key=_stored(key),
        key_prefix=_stored(key_prefix),
        key_template=_stored(key_template),
        rule=_stored_all(rule),
        retention_class=_stored_all(retention_class),
        media_type=tuple(value.lower() for value in _stored_all(media_type)),
        deleted=deleted,
        fields=_conditions(fields),
    )


def _conditions(texts: Iterable[str] | None) -> tuple[FieldCondition, ...]:
    return tuple(FieldCondition.parse(text) for text in _stored_all(texts))


def _status(text: str) -> int | str:
    if not _STATUS.fullmatch(text):
        raise BadInput(f"status: {text!r} is not a status.", hint="Write a number such as 404, or a class such as 5xx.")
    return int(text) if text.isdigit() else text.lower()


def stored_text(text: str) -> str:
    """The text as the catalog would hold it: NUL and bytes that are not UTF-8 are stored escaped (`safe_text`), so a
    filter that quotes them from a listing, or gets them from a shell, finds them again."""
    return safe_text(text.encode("utf-8", "surrogateescape"))


def _stored(text: str | None) -> str | None:
    return None if text is None else stored_text(text)


def _stored_all(texts: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(stored for text in texts or () if (stored := _stored(text)) is not None)
