"""The order of a run: nothing overtakes what it waits for, and everything is handed out, whatever the plan."""

from dataclasses import replace
from random import Random
from typing import Any, cast
from uuid import uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot_replay.flow import Flow
from entrepot_replay.schedule import Graph
from entrepot_store.catalog.replays import ReplayStore, StepRow


class Plan:
    """The part of a store that hands out pending steps."""

    def __init__(self, flows: dict[int, Flow]) -> None:
        step = StepRow(0, uuid4(), "POST", "/", 200, 0)
        self.rows = {seq: replace(step, seq=seq, flow=flow.dump()) for seq, flow in flows.items()}

    def due(self, _replay: Any, *, after: int, limit: int) -> list[tuple[StepRow, None]]:
        return [(row, None) for seq, row in sorted(self.rows.items()) if seq > after][:limit]


@st.composite
def plans(draw: st.DrawFn) -> dict[int, Flow]:
    """Pending steps; some that they come after have ended or were skipped and are not among them."""
    flows: dict[int, Flow] = {}
    for seq in range(draw(st.integers(1, 40))):
        if draw(st.integers(0, 4)) == 0:
            continue
        after = draw(st.lists(st.integers(0, seq - 1), max_size=4, unique=True)) if seq else []
        barrier = draw(st.integers(0, 9)) == 0
        flows[seq] = Flow(after=() if barrier else tuple(sorted(after)), barrier=barrier)
    return flows


@settings(max_examples=150, deadline=None)
@given(plans(), st.integers(1, 5), st.integers(1, 8), st.integers(1, 16), st.randoms(use_true_random=False))
def test_every_step_goes_once_and_after_those_it_waits_for(
    flows: dict[int, Flow], page: int, window: int, concurrency: int, chance: Random
) -> None:
    graph = Graph(cast("ReplayStore", Plan(flows)), uuid4(), page=page, window=window)
    out: set[int] = set()
    ended: list[int] = []
    put_back: set[int] = set()
    for _ in range(2 * len(flows) + 1):
        for step in graph.ready(concurrency - len(out)):
            seq = step.row.seq
            waited_for = [one for one in flows if one < seq] if flows[seq].barrier else flows[seq].after
            assert all(one in ended for one in waited_for if one in flows)
            assert seq not in out
            out.add(seq)
        if not out:
            break
        seq = chance.choice(sorted(out))
        out.remove(seq)
        if seq not in put_back and chance.random() < 0.2:
            put_back.add(seq)
            graph.again(seq)
        else:
            graph.finished(seq)
            ended.append(seq)
    assert graph.exhausted
    assert sorted(ended) == sorted(flows)
