"""`make demo` as a person runs it: from nothing to everything restored, and nothing left running."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.up import clean_environment, entrepot


@pytest.mark.timeout(600)
def test_demo_loses_everything_and_gets_it_back(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "entrepot_api.demo", "--keep", str(tmp_path / "demo")],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything came back." in done.stdout
    cells = [[cell.strip() for cell in line.strip("│").split("│")] for line in done.stdout.splitlines() if "│" in line]
    table = {row[0]: [int(cell) for cell in row[1:]] for row in cells if all(cell.isdigit() for cell in row[1:])}
    assert table == {
        "buckets": [1, 1, 1, 0],
        "groups": [1, 1, 1, 0],
        "collections": [1, 1, 1, 0],
        "records": [10, 10, 10, 0],
        "recommendations": [10, 10, 10, 0],
    }
    # What it promised to keep is there afterwards, and nobody runs any more.
    status = entrepot("status", "--data", str(tmp_path / "demo" / "data"))
    assert status.returncode == 0
    assert "running" not in status.stdout
    assert not (tmp_path / "demo" / "data" / "ready.json").exists()
