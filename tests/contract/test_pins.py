"""The versions that the engine's contract test runs on (`tests/integration/test_proxy_engine_contract.py`) are the ends
of the range that pyproject.toml allows."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

HERE = Path(__file__).parent


def test_the_pins_are_within_the_allowed_range_and_one_is_its_beginning() -> None:
    project = tomllib.loads((HERE.parents[1] / "pyproject.toml").read_text())["project"]
    allowed = next(r for r in map(Requirement, project["dependencies"]) if r.name == "mitmproxy").specifier
    versions = sorted(pin.stem.removeprefix("mitmproxy-") for pin in HERE.glob("mitmproxy-*.txt"))
    assert all(allowed.contains(version) for version in versions)
    assert f">={versions[0].rpartition('.')[0]}" in str(allowed)
