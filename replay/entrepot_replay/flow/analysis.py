"""Links values to the answers that made them, exchange by exchange in recorded order.

The rule everything rests on: a value whose first appearance is in an answer was made by the server; one whose first
appearance is in a request was chosen by a client, and a rebuilt service will be given it again. Only values of the
first sort can come out differently, and only they are followed.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from .links import Flow, Make, Use
from .part import Part
from .reading import made_key, used_key
from .values import Key

SECRET = "secret"  # noqa: S105 # the name of a role
"""The role of keys that stand for secrets; their text is the digest of the reference."""


@dataclass(frozen=True, slots=True)
class Traced:
    """What one exchange takes from others: `uses` with the exchange that made the value and its place there, and
    `shares`, exchanges that first gave a value of their own making which this one carries too."""

    uses: tuple[tuple[Part, Key, UUID, str], ...] = ()
    shares: tuple[UUID, ...] = ()


def is_inside(where: str, whole: Collection[str]) -> bool:
    """Whether the place lies inside one of those, whose values are known as a whole."""
    outer = where.rpartition("|")[0]
    while outer:
        if outer in whole:
            return True
        outer = outer.rpartition("|")[0]
    return False


class Analysis:
    """One pass over the traffic to one product. `hide` gives the digest by which redaction refers to a secret."""

    def __init__(self, hide: Callable[[bytes], str] | None = None) -> None:
        self._hide = hide
        self._made: dict[Key, tuple[UUID, str]] = {}
        self._given: dict[Key, UUID | None] = {}
        self._hidden: dict[str, tuple[UUID, str]] = {}
        self._traced: dict[UUID, Traced] = {}
        self._kinds: set[str] = set()
        """Roles of which an id was made: what the service has ids of."""
        self._roles: dict[str, set[str]] = {}
        """Text of an id that only its role tells → the roles that it was made in."""

    def see(self, exchange: UUID, request: Iterable[Part], answer: Iterable[Part], *, writes: bool) -> None:
        """The next exchange. `answer` is empty if it failed; `writes` says that it may become a step."""
        uses: dict[tuple[str, Key], tuple[Part, Key, UUID, str]] = {}
        shares: dict[UUID, None] = {}
        whole: set[str] = set()  # places whose value is known: what is inside it goes with it
        for part in request:
            if part.secret:
                maker = self._hidden.get(part.secret)
                if maker is not None:
                    key = Key(SECRET, part.secret)
                    uses[part.where, key] = part, key, *maker
                continue
            key_used = used_key(part)
            if key_used is None or is_inside(part.where, whole):
                continue
            made = self._made.get(key_used)
            if made is None and part.is_id and (other := self._by_another_name(key_used)) is not None:
                key_used, made = other, self._made[other]
            if made is not None:
                uses[part.where, key_used] = part, key_used, *made
                whole.add(part.where)
            elif key_used in self._given:
                giver = self._given[key_used]
                if giver is not None and giver != exchange:
                    shares[giver] = None
            elif key_used.distinctive or part.is_id:
                self._given[key_used] = exchange if writes else None
        for part in answer:
            self._learn(exchange, part)
        if uses or shares:
            self._traced[exchange] = Traced(tuple(uses.values()), tuple(shares))

    def _learn(self, exchange: UUID, part: Part) -> None:
        if part.secret:
            self._hidden[part.secret] = exchange, part.where
            return
        key = made_key(part)
        if key is None or key in self._given:
            return
        if key.role and not key.role.startswith("etag "):
            self._kinds.add(key.role)
            self._roles.setdefault(key.text, set()).add(key.role)
        # A version mark speaks of the document as the last answer left it; everything else was made once.
        if key.role.startswith("etag ") or key not in self._made:
            self._made[key] = exchange, part.where
        if self._hide is not None and key.distinctive:
            self._hidden.setdefault(self._hide(part.text.encode("latin-1", "replace")), (exchange, part.where))

    def _by_another_name(self, key: Key) -> Key | None:
        """`parent_id: 7` may be the id of an order, if the service has no ids of parents and gave 7 to nothing else."""
        if key.distinctive or key.role in self._kinds or key.role.startswith("etag "):
            return None
        roles = self._roles.get(key.text, ())
        return Key(next(iter(roles)), key.text) if len(roles) == 1 else None

    def needed(self, steps: Collection[UUID]) -> set[UUID]:
        """Exchanges beside `steps` whose answers some step needs, directly or for another of them."""
        found: set[UUID] = set()
        waiting = list(steps)
        while waiting:
            traced = self._traced.get(waiting.pop())
            for _, _, maker, _ in traced.uses if traced else ():
                if maker not in steps and maker not in found:
                    found.add(maker)
                    waiting.append(maker)
        return found

    def flows(self, numbers: Mapping[UUID, int], probes: Collection[UUID]) -> dict[UUID, Flow]:
        """The flow of every exchange that has one, given the numbers of those that became steps."""
        makes: dict[UUID, dict[Key, Make]] = defaultdict(dict)
        flows: dict[UUID, Flow] = {}
        for exchange in numbers:
            traced = self._traced.get(exchange)
            if traced is None:
                continue
            uses = []
            for part, key, maker, where in traced.uses:
                number = numbers.get(maker)
                uses.append(Use(part.where, key, part.text, number, where if number is not None else ""))
                if number is not None:
                    secret = key.text if key.role == SECRET else ""
                    makes[maker].setdefault(key, Make(where, key, secret))
            after = {numbers[one] for one in traced.shares if one in numbers}
            after |= {use.made_by for use in uses if use.made_by is not None}
            own = numbers[exchange]
            flows[exchange] = Flow((), tuple(uses), tuple(sorted(one for one in after if one < own)))
        for exchange in numbers:
            made = tuple(makes[exchange].values()) if exchange in makes else ()
            if made or exchange in probes:
                flow = flows.get(exchange, Flow())
                flows[exchange] = Flow(made, flow.uses, flow.after, exchange in probes)
        return flows
