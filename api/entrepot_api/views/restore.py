"""A restore's plan, and what was read back after it, as JSON. The field names are an interface."""

from collections.abc import Iterable
from uuid import UUID

from pydantic import Field

from entrepot_replay.restore.readback import ReadBack
from entrepot_replay.restore.step import RestoreStep
from entrepot_store.catalog.replays import ReplayRow, StepRow, StepState

from .base import Moment, View
from .replay import state_text


class PlannedDocumentView(View):
    """One document of a plan. `do` is create, update, delete, untouched, left alone or not restorable."""

    path: str
    do: str
    why: str
    how: str
    requests: list[str] = Field(description="Method and path of every request, in order.")


class RestorePlanView(View):
    """What a restore would do. Nothing is written before it is started."""

    id: UUID
    to: str
    target: str
    at: Moment
    state: str
    counts: dict[str, int] = Field(description="Documents by what is done about them.")
    documents: list[PlannedDocumentView]
    unlisted: int = Field(ge=0, description="Further documents, all of them untouched unless --limit cut the list.")
    warnings: list[str]


class FieldReadView(View):
    """One place in which a document is not as it was. `why` accounts for one that is not decisive."""

    where: str
    recorded: str
    live: str
    decisive: bool
    why: str


class DocumentReadView(View):
    """One document as it was found. `path` is the recorded one, `live` where it is now."""

    path: str
    live: str
    came: str
    why: str
    differences: list[FieldReadView]


class ReadBackView(View):
    """What the target held when everything was read back."""

    id: UUID
    to: str
    target: str
    state: str
    exit_code: int
    counts: dict[str, int]
    documents: list[DocumentReadView] = Field(description="The gravest first.")
    unlisted: int = Field(ge=0)


def planned_documents(steps: Iterable[StepRow]) -> list[PlannedDocumentView]:
    """Every document of a plan, in the order of its requests."""
    found: dict[str, tuple[RestoreStep, list[str]]] = {}
    for step in steps:
        own = RestoreStep.load(step.flow)
        if own is None:
            continue
        _, requests = found.setdefault(own.path, (own, []))
        if step.state is not StepState.SKIPPED:
            requests.append(f"{step.method} {step.path}")
    return [
        PlannedDocumentView(path=path, do=own.do.value, why=own.why, how=own.how, requests=requests)
        for path, (own, requests) in found.items()
    ]


def plan_view(row: ReplayRow, documents: list[PlannedDocumentView], limit: int) -> RestorePlanView:
    restore = row.plan["restore"]
    told = [one for one in documents if one.do != "untouched"]
    listed = (told + [one for one in documents if one.do == "untouched"])[:limit]
    return RestorePlanView(
        id=row.id,
        to=row.destination,
        target=row.target,
        at=restore["at"],
        state=state_text(row),
        counts=restore["documents"],
        documents=listed,
        unlisted=len(documents) - len(listed),
        warnings=[warning["text"] for warning in row.plan["warnings"]],
    )


def read_back_view(result: ReadBack) -> ReadBackView:
    row = result.replay
    return ReadBackView(
        id=row.id,
        to=row.destination,
        target=row.target,
        state=state_text(row),
        exit_code=result.exit_code,
        counts={came.value: number for came, number in sorted(result.counts.items())},
        documents=[
            DocumentReadView(
                path=told.path,
                live=told.live,
                came=told.came.value,
                why=told.why,
                differences=[
                    FieldReadView(
                        where=one.where, recorded=one.recorded, live=one.live, decisive=one.decisive, why=one.why
                    )
                    for one in told.differences
                ],
            )
            for told in result.documents
        ],
        unlisted=sum(result.counts.values()) - len(result.documents),
    )
