"""Findings about rules that can be read, one sentence each."""

import pytest

from entrepot_store.config import Settings
from entrepot_store.rules.check import check


@pytest.mark.parametrize(
    ("keep", "found"),
    [
        ({"within": "1y", "deleted_within": "30d"}, True),
        ({"within": "30d", "deleted_within": "1y"}, False),
        ({"last": 5, "deleted_within": "30d"}, False),
        ({"within": "1y"}, False),
    ],
)
def test_whoever_deletes_loses_versions_sooner(keep: dict[str, str | int], found: bool) -> None:
    rule = {"name": "settings", "action": "protect", "keep": keep}
    findings = [
        finding for finding in check(Settings.model_validate({"rule": [rule]})) if finding.kind == "deleted-first"
    ]
    assert [(finding.rule, finding.error) for finding in findings] == ([("settings", False)] if found else [])
    assert all("keep.deleted_within is shorter than keep.within" in finding.message for finding in findings)
