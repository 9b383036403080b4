"""README and how-to pages are true: links lead somewhere, commands exist, the table of variables is the code's."""

import re
from pathlib import Path

import pytest

from entrepot_api.cli.registry import COMMANDS
from entrepot_api.program.variables import ADDING, REPLACING, variables

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "docs" / "README.md", *sorted((ROOT / "docs" / "how-to").glob("*.md"))]
"""Links in the reference pages are watched by their own tests."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_exist(page: Path) -> None:
    """Whatever follows `entrepot ` in code is a command or an option of the root."""
    code = re.findall(r"```.*?```|`[^`\n]+`", page.read_text(encoding="utf-8"), re.DOTALL)
    used = {name for block in code for name in re.findall(r"(?:^|[\s`$(])entrepot ([a-z][a-z-]+)(?=[\s`)]|$)", block)}
    assert used - {entry.name for entry in COMMANDS} == set()


def test_every_variable_of_run_is_described_and_no_other() -> None:
    page = (ROOT / "docs" / "how-to" / "run-programs.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    described = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    told = variables("http://127.0.0.1:8080", "", Path("ca.pem"), Path("bundle.pem"))
    assert described == set(told)
    assert {*REPLACING, *ADDING} <= described


def test_index_names_every_how_to() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    assert [page.name for page in PAGES if page.parent.name == "how-to" and f"how-to/{page.name}" not in index] == []
