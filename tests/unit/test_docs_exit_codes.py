"""Exit codes: each one in the code has its row in the documentation, and each row its code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "exit-codes.md").read_text()
ROWS = {name: int(code) for code, name in re.findall(r"^\| (\d+) \| `(\w+)` \|", PAGE, re.MULTILINE)}
CONSTANTS = {
    "replay/entrepot_replay/errors.py": ("DIFFERENCES", "FAILURES", "STOPPED_EARLY"),
    "api/entrepot_api/cli/importing.py": ("PARTLY",),
    "api/entrepot_api/cli/errors.py": ("INTERRUPTED",),
}


def assigned(body: list[ast.stmt]) -> Iterator[tuple[str, int]]:
    """Names that get a number in these statements."""
    for statement in body:
        if isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, value = [statement.target], statement.value
        else:
            continue
        if isinstance(value, ast.Constant) and isinstance(value.value, int):
            yield from ((target.id, value.value) for target in targets if isinstance(target, ast.Name))


def error_classes() -> Iterator[tuple[str, int]]:
    """Classes with an exit code of their own, wherever they are: read, not imported, so that none is missed."""
    for root in ("proxy", "store", "replay", "api"):
        for path in (ROOT / root).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef):
                    yield from ((node.name, code) for name, code in assigned(node.body) if name == "exit_code")


def constants() -> Iterator[tuple[str, int]]:
    for path, names in CONSTANTS.items():
        found = dict(assigned(ast.parse((ROOT / path).read_text()).body))
        yield from ((name, found[name]) for name in names)


def test_every_exit_code_is_documented() -> None:
    expected = dict(error_classes()) | dict(constants())
    assert "ConfigError" in expected
    assert expected == ROWS


def test_no_code_means_two_things() -> None:
    codes = [code for _, code in (*error_classes(), *constants())]
    assert sorted(codes) == sorted(set(codes))
    assert 0 not in codes
