"""What was found of one document, bounded, until it becomes a CheckRow."""

from dataclasses import dataclass, field

from entrepot_store.catalog.replays import Difference

from ..compare import MAX_DIFFERENCES, MAX_TEXT
from .items import Item


@dataclass(slots=True)
class Findings:
    """`decisive` says that something differs for which nothing accounts; `vague` that what differs may do so rightly,
    because the evidence does not tell (a field that only the answer of a write showed)."""

    differences: list[Difference] = field(default_factory=list)
    more: int = 0
    decisive: bool = False
    vague: bool = False
    reordered: bool = False
    missing: list[Item] = field(default_factory=list)
    extra: list[Item] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        return not (self.decisive or self.vague)

    def add(self, where: str, recorded: str | None, live: str | None, *, why: str = "", decisive: bool = True) -> None:
        """`why` accounts for a difference, which does not decide then."""
        decisive = decisive and not why
        self.decisive = self.decisive or decisive
        difference = Difference(where[:MAX_TEXT], _short(recorded), _short(live), decisive, why)
        if len(self.differences) < MAX_DIFFERENCES:
            self.differences.append(difference)
            return
        self.more += 1
        if decisive:  # one that decides is not hidden by others
            at = next((at for at, one in enumerate(self.differences) if not one.decisive), None)
            if at is not None:
                self.differences[at] = difference

    def take(self, differences: list[Difference], more: int) -> None:
        """What `compare` found."""
        self.differences += differences
        self.more += more
        self.decisive = self.decisive or any(one.decisive for one in differences)

    @property
    def accounts(self) -> str:
        """What accounts for the differences that do not decide, for people."""
        reasons = dict.fromkeys(one.why.partition(":")[0] for one in self.differences if one.why)
        if self.reordered:
            reasons["items in another order"] = None
        return ", ".join(reasons)


def _short(text: str | None) -> str:
    if text is None:
        return "(absent)"
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
