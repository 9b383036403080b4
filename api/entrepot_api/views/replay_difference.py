"""One difference between what was recorded and what a rebuilt service answers, as JSON."""

from pydantic import Field

from entrepot_store.catalog.replays import Difference

from .base import View


class DifferenceView(View):
    """`where` is `status`, `header location` or a path into the JSON body. Only decisive ones make a step different."""

    where: str
    recorded: str
    live: str
    decisive: bool
    why: str = Field(description="What accounts for a difference that is not decisive.")


def difference_view(row: Difference) -> DifferenceView:
    return DifferenceView(where=row.where, recorded=row.recorded, live=row.live, decisive=row.decisive, why=row.why)
