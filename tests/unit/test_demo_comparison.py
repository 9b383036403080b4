"""The demo's verdict can fail: whatever did not come back, came back changed, or should not be there, is found."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from entrepot_api.demo import __main__ as demo
from entrepot_api.demo import insights, story
from entrepot_api.demo.orders import orders_of
from entrepot_api.demo.snapshot import Snapshot, compare, kind_of, restamped
from entrepot_api.demo.stage import DemoFailed

RECORDS = "buckets/shop/collections/preferences/records"


def holding(**records: object) -> Snapshot:
    return {
        f"{RECORDS}/{name}": {
            "data": {"id": name, "value": value, "last_modified": 1},
            "permissions": {"write": ["me"]},
        }
        for name, value in records.items()
    }


def test_what_came_back_as_it_was_is_identical() -> None:
    comparison = compare("records", holding(ada=1, bela=2), holding(ada=1, bela=2))
    assert (comparison.before, comparison.after, comparison.identical, comparison.differences) == (2, 2, 2, {})


def test_server_made_stamps_are_counted_and_not_compared() -> None:
    before, after = holding(ada=1), holding(ada=1)
    after[f"{RECORDS}/ada"]["data"]["last_modified"] = 2
    assert compare("records", before, after).differences == {}
    assert restamped(before, after) == 1


def test_missing_added_and_changed_are_each_named() -> None:
    comparison = compare("records", holding(ada=1, bela=2), holding(bela=3, chen=4))
    assert comparison.identical == 0
    assert comparison.differences.keys() == {f"{RECORDS}/{name}" for name in ("ada", "bela", "chen")}
    assert comparison.differences[f"{RECORDS}/ada"] == "did not come back"
    assert comparison.differences[f"{RECORDS}/chen"] == "was not there before"


@pytest.mark.parametrize("before, after", [(1, 1.0), (1, True), (1, "1"), (None, 0), ([1, 2], [2, 1]), ({}, None)])
def test_values_that_only_resemble_each_other_differ(before: object, after: object) -> None:
    assert compare("records", holding(ada=before), holding(ada=after)).differences


def test_changed_permissions_are_found() -> None:
    after = holding(ada=1)
    after[f"{RECORDS}/ada"]["permissions"]["write"].append("stranger")
    assert compare("records", holding(ada=1), after).differences


def test_kind_of_path() -> None:
    assert kind_of(f"{RECORDS}/ada") == "records"
    assert kind_of("buckets/shop") == "buckets"


def verdict(tmp_path: Path, before: Snapshot, after: Snapshot) -> tuple[bool, str]:
    words = io.StringIO()
    told = story._Story(tmp_path, Console(file=words, width=100))
    return told._compare(before, after, {"ada": {"items": []}}, {"ada": {"items": []}}), words.getvalue()


def test_story_ends_well_only_when_everything_is_back(tmp_path: Path) -> None:
    assert verdict(tmp_path, holding(ada=1), holding(ada=1))[0]
    restored, words = verdict(tmp_path, holding(ada=1), holding(ada=2))
    assert not restored
    assert f"{RECORDS}/ada: was" in words


def test_customer_who_left_must_not_be_back(tmp_path: Path) -> None:
    restored, words = verdict(tmp_path, holding(ada=1, gus=1), holding(ada=1, gus=1))
    assert not restored
    assert "gus" in words


@pytest.mark.parametrize("outcome, code", [(True, 0), (False, 1)])
def test_exit_code_is_the_verdict(monkeypatch: pytest.MonkeyPatch, outcome: bool, code: int) -> None:
    monkeypatch.setattr("sys.argv", ["demo"])
    monkeypatch.setattr(demo, "tell", lambda folder, console: outcome)
    assert demo.main() == code


def test_missing_kinto_is_one_clear_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["demo", "--keep", str(tmp_path)])
    monkeypatch.setattr(story, "find_spec", lambda name: None)
    assert demo.main() == 1
    words = capsys.readouterr().out
    assert "Kinto, is not installed" in words
    assert "make setup" in words
    with pytest.raises(DemoFailed):
        story.tell(tmp_path, Console())


def test_recommendations_depend_on_both_products() -> None:
    """Were they independent of the preferences, the demo would prove nothing about derived data."""
    likes_books = {"currency": "EUR", "likes": ["books"], "personalised": True}
    likes_home = {**likes_books, "likes": ["home"]}
    orders = orders_of("ada")
    assert insights.recommend("ada", likes_books, orders) != insights.recommend("ada", likes_home, orders)
    assert insights.recommend("ada", likes_books, orders) != insights.recommend("ada", likes_books, orders_of("bela"))
    assert insights.recommend("ada", {**likes_books, "personalised": False}, orders)["items"] == []
