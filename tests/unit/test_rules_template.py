"""Path templates, judged by a slow matcher that tries everything and shares no code with them."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from entrepot_store.rules import PathTemplate

# Few letters, so that random paths meet random templates; `é` is two bytes, `%2F` an encoded slash, `.` and `+` mean
# something to regular expressions.
letters = st.sampled_from(["a", "b", ".", "+", "é", "%2F", "-"])
literals = st.lists(letters, min_size=1, max_size=3).map("".join)
WILDCARDS = ("*", "{}")
wildcards = st.sampled_from(WILDCARDS)


@st.composite
def segments(draw: st.DrawFn) -> list[str]:
    """Pieces of one segment, in which no wildcards are neighbours; `{}` is named later."""
    if draw(st.integers(0, 3)) == 0:
        return ["**"]
    pieces = draw(st.lists(wildcards | literals, max_size=4))
    kept: list[str] = []
    for piece in pieces:
        if not (kept and piece in WILDCARDS and kept[-1] in WILDCARDS):
            kept.append(piece)
    return kept


templates = st.lists(segments(), min_size=1, max_size=4)
paths = st.lists(st.lists(letters, max_size=4).map("".join), max_size=5).map(
    lambda parts: "".join(f"/{p}" for p in parts)
)


def spelled(template: list[list[str]]) -> str:
    names = iter("abcdefghijklmnopqrstuvwxyz")
    return "".join(
        "/" + "".join(f"{{{next(names)}}}" if piece == "{}" else piece for piece in segment) for segment in template
    )


def slow_match(template: list[list[str]], path: str) -> bool:
    """Every way to deal the path's segments to the template's."""
    return _segments_match(template, path.split("/")[1:] if path else [])


def _segments_match(template: list[list[str]], found: list[str]) -> bool:
    if not template:
        return not found
    if template[0] == ["**"]:
        return any(_segments_match(template[1:], found[taken:]) for taken in range(len(found) + 1))
    return bool(found) and _pieces_match(template[0], found[0]) and _segments_match(template[1:], found[1:])


def _pieces_match(pieces: list[str], text: str) -> bool:
    if not pieces:
        return not text
    if pieces[0] in WILDCARDS:
        fewest = 0 if pieces[0] == "*" else 1
        return any(_pieces_match(pieces[1:], text[taken:]) for taken in range(fewest, len(text) + 1))
    return text.startswith(pieces[0]) and _pieces_match(pieces[1:], text[len(pieces[0]) :])


@settings(max_examples=500, deadline=None)
@given(templates, paths)
@example([["**"], ["a"], ["**"], ["b"]], "/a/x/a/b")
@example([["{}", "a"]], "/a")
@example([["{}", "a"]], "/aa")
@example([["*", "a", "*", "ab"]], "/aab")
def test_agrees_with_a_matcher_that_tries_everything(template: list[list[str]], path: str) -> None:
    compiled = PathTemplate.compile(spelled(template))
    expected = slow_match(template, path)
    assert compiled.matches(path) == expected
    assert compiled.matches(path.encode()) == expected
    if expected:
        assert path.startswith(compiled.literal_prefix)
        assert like(compiled.sql_like, path)


@settings(max_examples=150, deadline=None)
@given(templates, st.data())
def test_matches_what_it_was_filled_into(template: list[list[str]], data: st.DataObject) -> None:
    path = ""
    for segment in template:
        if segment == ["**"]:
            path += data.draw(paths)
            continue
        filled = {"*": st.lists(letters, max_size=3), "{}": st.lists(letters, min_size=1, max_size=3)}
        path += "/" + "".join("".join(data.draw(filled[piece])) if piece in filled else piece for piece in segment)
    assert PathTemplate.compile(spelled(template)).matches(path)


def like(pattern: str, text: str) -> bool:
    """SQL's LIKE with `\\` as escape character, by trying everything."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(like(pattern[1:], text[taken:]) for taken in range(len(text) + 1))
    if pattern[0] == "_":
        return bool(text) and like(pattern[1:], text[1:])
    escaped = pattern[0] == "\\"
    wanted = pattern[1] if escaped else pattern[0]
    return text[:1] == wanted and like(pattern[2 if escaped else 1 :], text[1:])


@pytest.mark.parametrize(
    ("template", "matching", "other"),
    [
        ("/v1/settings/{user}", ["/v1/settings/bob", "/v1/settings/b%2Fo"], ["/v1/settings/", "/v1/settings/a/b"]),
        ("/v1/settings/{user}.json", ["/v1/settings/bob.json", "/v1/settings/.json.json"], ["/v1/settings/.json"]),
        ("/{from}..{to}", ["/1..2", "/1...2"], ["/..2", "/1.."]),
        ("/v1/*", ["/v1/", "/v1/a"], ["/v1", "/v1/a/b"]),
        ("/v1/**", ["/v1", "/v1/", "/v1/a/b/"], ["/v1x", "/v2/v1"]),
        ("/**", ["", "/", "/a/b"], ["a", "*"]),
        ("/**/settings/**", ["/settings", "/a/b/settings/c"], ["/a/settingsb", "/asettings"]),
        ("/", ["/"], ["", "//"]),
        ("/a_b%", ["/a_b%"], ["/axb%"]),
        ("/A", ["/A"], ["/a", "/A/"]),
        ("/a\\d", ["/a\\d"], ["/a1"]),
    ],
)
def test_examples(template: str, matching: list[str], other: list[str]) -> None:
    compiled = PathTemplate.compile(template)
    assert [path for path in [*matching, *other] if compiled.matches(path)] == matching
    assert [path for path in [*matching, *other] if compiled.matches(path.encode())] == matching


def test_paths_are_bytes_and_may_hold_anything() -> None:
    compiled = PathTemplate.compile("/v1/{name}/x")
    assert compiled.matches(b"/v1/\xff\x00\n/x")
    assert not compiled.matches(b"/v1/\xff/x\n")
    assert not compiled.matches("/v1/a/x\n")


@pytest.mark.parametrize(
    ("template", "prefix", "pattern"),
    [
        ("/v1/settings/{user}", "/v1/settings/", "/v1/settings/_%"),
        ("/v1/set*", "/v1/set", "/v1/set%"),
        ("/v1/**", "/v1", "/v1%"),
        ("/v1/**/x", "/v1", "/v1%/x"),
        ("/a_b%/{x}", "/a_b%/", "/a\\_b\\%/_%"),
        ("/plain", "/plain", "/plain"),
    ],
)
def test_what_an_index_can_look_up(template: str, prefix: str, pattern: str) -> None:
    compiled = PathTemplate.compile(template)
    assert (compiled.literal_prefix, compiled.sql_like) == (prefix, pattern)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("", "does not begin with /"),
        ("v1", "does not begin with /"),
        ("/a?b=1", "query"),
        ("/a#b", "query or a fragment"),
        ("/a b", "space"),
        ("/a\n", "control"),
        ("/{a", "unbalanced brace"),
        ("/a}", "unbalanced brace"),
        ("/{a{b}}", "unbalanced brace"),
        ("/{a/b}", "unbalanced brace"),
        ("/{}", "a name such as {user} is expected"),
        ("/{a b}", "space"),
        ("/{1}", "a name such as {user} is expected"),
        ("/a**", "whole segments"),
        ("/**.json", "whole segments"),
        ("/***", "only"),
        ("/{a}{b}", "side by side"),
        ("/{a}*", "side by side"),
        ("/{a}/{a}", "two parameters named 'a'"),
        ("/" * 2001, "at most 2000 characters"),
    ],
)
def test_malformed_templates_are_refused(template: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason.replace("{", r"\{")):
        PathTemplate.compile(template)


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/*a*a*a*a*a*a*b", "/" + "a" * 60_000),
        ("/{x}a{y}a{z}a{u}b", "/" + "a" * 60_000),
        ("/**/a/**/a/**/a/**/b", "/a" * 30_000),
        ("/**/*a/**/*a*/**/b", "/aaaa" * 12_000),
    ],
)
def test_no_path_makes_matching_slow(template: str, path: str) -> None:
    """Trying everything would take longer than anybody lives; a generous bound shows that it does not."""
    compiled = PathTemplate.compile(template)
    began = time.process_time()
    assert not compiled.matches(path)
    assert time.process_time() - began < 1.0


def test_equal_templates_are_compiled_once() -> None:
    assert PathTemplate.compile("/v1/{x}") is PathTemplate.compile("/v1/{x}")
    assert str(PathTemplate.compile("/v1/{x}")) == "/v1/{x}"
