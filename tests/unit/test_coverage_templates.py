"""Templates out of paths: what becomes a parameter, and that hostile paths make nothing that does not compile."""

import random
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from entrepot_store.coverage.present import filled
from entrepot_store.coverage.segments import DEEPEST, LONGEST_PATH, generalise
from entrepot_store.coverage.tally import Values, merge_values
from entrepot_store.coverage.templates import infer
from entrepot_store.rules import PathTemplate


def seen(paths: Iterable[str]) -> dict[str, tuple[str | None, ...]]:
    """As the catalog would have it."""
    found: dict[str, Values] = {}
    for path in paths:
        key, values = generalise(path)
        if key in found:
            merge_values(found[key], values)
        else:
            found[key] = list(values)
    return {path: tuple(values) for path, values in found.items()}


def templates(*paths: str) -> list[str]:
    return sorted(set(infer(seen(paths)).values()))


def test_a_place_becomes_a_parameter_once_it_was_seen_to_vary() -> None:
    assert templates("/api/2/orders/7") == ["/api/2/orders/7"]
    assert templates("/api/2/orders/7", "/api/2/orders/8") == ["/api/2/orders/{order}"]
    assert templates("/orders/7/items/1", "/orders/7/items/2") == ["/orders/7/items/{item}"]
    assert templates("/orders/7", "/orders/8/items") == ["/orders/{order}", "/orders/{order}/items"]


def test_every_kind_of_identifier_is_one() -> None:
    for first, second, name in (
        ("7", "8", "thing"),
        ("8c5b4c1e-8a57-5d0c-9d0e-0f1c86a0b6d5", "8C5B4C1E-8A57-5D0C-9D0E-0F1C86A0B6D6", "thing"),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAW", "thing"),
        ("507f1f77bcf86cd799439011", "da39a3ee5e6b4b0d3255bfef95601890afd80709", "thing"),
        ("2026-01-01", "2026-01-02T10:30:00Z", "date"),
        ("me@example.org", "you%40example.org", "email"),
        ("cus_9s6XKzkNRiz8i3", "cus_8k2LMabQTuv4w7", "thing"),
        ("7", "8c5b4c1e-8a57-5d0c-9d0e-0f1c86a0b6d5", "thing"),
    ):
        assert templates(f"/v1/things/{first}", f"/v1/things/{second}") == [f"/v1/things/{{{name}}}"]


def test_words_stay_words() -> None:
    assert templates("/v1/users/me", "/v1/users/7", "/v1/users/8") == ["/v1/users/me", "/v1/users/{user}"]
    assert templates("/v1/decade", "/v2/facade") == ["/v1/decade", "/v2/facade"]
    assert templates("/a", "/a/", "/") == ["/", "/a", "/a/"]
    assert templates("/files/7.json", "/files/8.json", "/files/8.csv") == ["/files/8.csv", "/files/{file}.json"]


def test_more_words_than_an_api_has_are_names() -> None:
    people = [f"/users/{first}{last}/settings" for first in "abcdefghijkl" for last in "mnopqrstuvwx"]
    assert templates(*people, "/users/7/settings", "/healthz") == ["/healthz", "/users/{user}/settings"]


def test_parameters_have_names_of_their_own() -> None:
    assert templates("/7/8", "/9/10") == ["/{id}/{id2}"]
    assert templates("/v1/entities/7/addresses/1", "/v1/entities/8/addresses/2") == [
        "/v1/entities/{entity}/addresses/{address}"
    ]


HOSTILE = st.one_of(
    st.text(max_size=30).map(lambda text: "/" + text),
    st.lists(
        st.sampled_from(["a", "{", "}", "*", "**", "", "7", "{x}", "a b", "é", "b" * 70, "8.json"]), max_size=30
    ).map(lambda segments: "/" + "/".join(segments)),
    st.text(max_size=10),
)


@given(st.lists(HOSTILE, max_size=20), st.randoms(use_true_random=False))
def test_templates_compile_match_and_do_not_depend_on_order(paths: list[str], chance: random.Random) -> None:
    # As the catalog's rows have them: without a query, and with NUL escaped.
    paths = [path.partition("?")[0].replace("\0", "\\x00") for path in paths]
    known = seen(paths)
    found = infer(known)
    assert found.keys() == known.keys()
    for path, template in found.items():
        assert len(path) <= LONGEST_PATH + 10
        assert path.count("/") <= DEEPEST + 1
        compiled = PathTemplate.compile(template)
        assert compiled.matches(filled(path, known[path]))
    for path in paths:
        if path.startswith("/"):
            assert PathTemplate.compile(found[generalise(path).path]).matches(path)
    shuffled = chance.sample(paths, len(paths))
    assert infer(seen(shuffled)) == found
