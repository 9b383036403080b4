"""The configuration's documentation: every setting has its row, with its true default, and every example loads."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from entrepot_store.config import (
    CredentialConfig,
    DocumentConfig,
    KeepConfig,
    LoginConfig,
    ProductConfig,
    RedactConfig,
    ReverseListener,
    RuleConfig,
    Settings,
    load_settings,
)
from entrepot_store.errors import ConfigError

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "configuration.md").read_text()
ROW = re.compile(r"^\| `([a-z0-9_.]+)` \| (.*?) \| .*\|$", re.MULTILINE)
TABLES: dict[str, type[BaseModel]] = {
    "product": ProductConfig,
    "rule": RuleConfig,
    "rule.keep": KeepConfig,
    "rule.document": DocumentConfig,
    "rule.redact": RedactConfig,
    "proxy.reverse": ReverseListener,
    "credential": CredentialConfig,
    "credential.login": LoginConfig,
}


def settings_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key there is, as it is written in the file."""
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        yield key, field
        inner = TABLES.get(key) or (field.annotation if isinstance(field.default, BaseModel) else None)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from settings_of(inner, f"{key}.")


def default_of(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value: Any = field.default
    if value is None:
        return "unset"
    if isinstance(value, BaseModel):
        return "section"
    plain = list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value
    return f"`{json.dumps(plain)}`"


def test_every_setting_is_documented_with_its_default() -> None:
    expected = {key: default_of(field) for key, field in settings_of(Settings)}
    assert dict(ROW.findall(PAGE)) == expected
    assert len(ROW.findall(PAGE)) == len(expected)


def test_every_example_loads(tmp_path: Path) -> None:
    pages = [path for path in DOCS.rglob("*.md") if "```toml" in path.read_text()]
    assert DOCS / "configuration.md" in pages
    for page in pages:
        for number, example in enumerate(re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL)):
            assert tomllib.loads(example)
            file = tmp_path / f"{page.stem}-{number}.toml"
            file.write_text(example)
            load_settings(file)


def test_the_example_of_a_refusal_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ENTREPOT_S3_ENDPONT", "http://127.0.0.1:9000")
    Path("entrepot.toml").write_text('[[rule]]\nname = "a"\nactoin = "protect"\nstatus = [404, "9xx"]\n')
    with pytest.raises(ConfigError) as caught:
        load_settings()
    (shown,) = re.findall(r"```\nError: (.*?)\n```", PAGE, re.DOTALL)
    assert shown.replace("\n", " ") == str(caught.value)


def test_links_between_pages_lead_somewhere() -> None:
    pages = (DOCS / name for name in ("configuration.md", "exit-codes.md", "how-to/redaction.md", "how-to/rules.md"))
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())]
    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []
