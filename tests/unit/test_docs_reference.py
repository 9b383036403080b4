"""The reference pages against the program: every command, option and endpoint has its heading, and nothing else has."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from entrepot_api.cli.group import entrepot, load
from entrepot_api.cli.registry import COMMANDS
from entrepot_api.http import create_app
from entrepot_store.config import Settings

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
SHARED = ("Common options", "Filters", "Documents")


def sections(page: str) -> dict[str, dict[str, str]]:
    """Text below every `### ` heading, by the `## ` heading it stands under; the section's own text is under ``."""
    found: dict[str, dict[str, str]] = {}
    for chunk in re.split(r"^## ", (REFERENCE / page).read_text(), flags=re.MULTILINE)[1:]:
        title, _, body = chunk.partition("\n")
        parts = re.split(r"^### ", body, flags=re.MULTILINE)
        found[title] = {"": parts[0]} | {part.partition("\n")[0]: part.partition("\n")[2] for part in parts[1:]}
    return found


def commands() -> Iterator[tuple[str, Any]]:
    yield "entrepot", entrepot()
    for entry in COMMANDS:
        command = load(entry)
        yield f"entrepot {entry.name}", command
        for name, below in getattr(command, "commands", {}).items():
            yield f"entrepot {entry.name} {name}", below


def options(command: Any) -> list[frozenset[str]]:
    return [
        frozenset(parameter.opts) | frozenset(parameter.secondary_opts)
        for parameter in command.params
        if parameter.param_type_name == "option"
    ]


def headings(section: dict[str, str]) -> set[frozenset[str]]:
    return {frozenset(re.findall(r"--?[a-z-]+", heading)) for heading in section if heading}


def test_every_command_and_option_has_its_heading() -> None:
    page = sections("cli.md")
    shared = set.union(*(headings(page[title]) for title in SHARED))
    for name, command in commands():
        assert name in page, f"docs/reference/cli.md has no section {name!r}"
        missing = [sorted(option) for option in options(command) if option not in headings(page[name]) | shared]
        assert not missing, f"{name}: no heading for {missing}"


def test_no_heading_is_of_a_command_or_option_that_is_gone() -> None:
    page = sections("cli.md")
    known = dict(commands())
    for title, section in page.items():
        if title in SHARED:
            everywhere = {option for command in known.values() for option in options(command)}
            assert headings(section) <= everywhere
            continue
        assert title in known, title
        assert headings(section) <= {*options(known[title]), frozenset({"--help", "-h"})}, title


def test_every_section_says_something() -> None:
    for page in ("cli.md", "http.md"):
        for title, section in sections(page).items():
            for heading, text in section.items():
                assert text.strip() or not heading, (page, title, heading)
            assert any(text.strip() for text in section.values()), (page, title)


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    unused: Any = None  # a description needs neither catalog nor vault
    paths: dict[str, Any] = create_app(Settings(), unused, unused).openapi()["paths"]
    return paths


def test_every_endpoint_has_its_heading_and_no_other_has(described: dict[str, Any]) -> None:
    operations = {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}
    documented = {
        heading for section in sections("http.md").values() for heading in section if re.match(r"[A-Z]+ /", heading)
    }
    assert documented == operations


def test_every_query_parameter_is_named_with_its_endpoint(described: dict[str, Any]) -> None:
    texts = {heading: text for section in sections("http.md").values() for heading, text in section.items()}
    everywhere = sections("http.md")["Conventions"][""]
    for path, methods in described.items():
        for method, operation in methods.items():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "query":
                    text = texts[f"{method.upper()} {path}"] + everywhere
                    assert re.search(rf"`{parameter['name']}[`=]", text), (method, path, parameter["name"])
