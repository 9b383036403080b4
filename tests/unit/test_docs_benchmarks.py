"""The page about benchmarks against the program: every benchmark has its row, with the bounds that are asked."""

import re
from pathlib import Path

from benchmarks.__main__ import BENCHMARKS

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
SIGNS = {"≥": ">=", "≤": "<="}


def test_every_benchmark_has_its_row_and_bounds() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\|([^|]*)\|$", PAGE.read_text(), re.MULTILINE)
    said = {
        name: {
            (SIGNS[sign], float(bound.replace(",", ""))) for sign, bound in re.findall(r"([≥≤]) (\d[\d,.]*\b)", asked)
        }
        for name, asked in rows
    }
    assert said == {
        name: {(sign, bound) for _, sign, bound in benchmark.asks} for name, benchmark in BENCHMARKS.items()
    }
