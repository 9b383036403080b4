"""`python -m benchmarks [NAME …]`: runs the benchmarks one after the other, each in a process of its own, and prints
one table and one JSON document. Ratios are against the thing measured beside it, in the same run, on this machine."""

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Benchmark:
    """A module that prints one JSON object as its last line, and what we ask of the figures in it."""

    module: str
    asks: tuple[tuple[str, str, float], ...]
    """(figure, `>=` or `<=`, bound)"""


BENCHMARKS = {
    "capture": Benchmark("capture", (("vs_stock", ">=", 2.5), ("vs_no_capture", ">=", 0.90))),
    "ship": Benchmark("ship", (("exchanges_per_second_per_core", ">=", 5000),)),
    "segments": Benchmark("segments", (("vs_flow_file", "<=", 0.1),)),
    "catalog": Benchmark("catalog", ()),
    "versions": Benchmark(
        "versions",
        (("shipping_kept", ">=", 0.667), ("polled_payloads", "<=", 10), ("polled_vault_bytes_per_look", "<=", 200)),
    ),
    "history": Benchmark("history", (("sqlite_growth", "<=", 1.2), ("postgresql_growth", "<=", 1.2))),
    "retention": Benchmark("retention", ()),
    "rules": Benchmark("rules", ()),
    "replay": Benchmark("replay", ()),
}


def run(benchmark: Benchmark) -> dict[str, Any]:
    """The figures of one benchmark. Its own table goes to our standard error as it runs."""
    child = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{benchmark.module}"], stdout=subprocess.PIPE, text=True, check=False
    )
    lines = child.stdout.splitlines()
    for line in lines[:-1]:
        print(line, file=sys.stderr)
    if child.returncode or not lines:
        raise SystemExit(f"benchmarks.{benchmark.module} failed with exit code {child.returncode}.")
    figures: dict[str, Any] = json.loads(lines[-1])
    return figures


def main(names: list[str]) -> None:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        raise SystemExit(f"There is no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}.")
    results: dict[str, dict[str, Any]] = {}
    table = Table("benchmark", "figure", "value", "asked", "met")
    missed = 0
    for name in names or list(BENCHMARKS):
        results[name] = figures = run(BENCHMARKS[name])
        asks = {figure: (sign, bound) for figure, sign, bound in BENCHMARKS[name].asks}
        for figure, value in figures.items():
            if isinstance(value, dict | list):
                continue
            sign, bound = asks.get(figure, ("", 0.0))
            met = not sign or (value >= bound if sign == ">=" else value <= bound)
            missed += not met
            shown = f"{value:,.3f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value
            table.add_row(
                name, figure, shown, f"{sign} {bound:g}" if sign else "", ("yes" if met else "NO") if sign else ""
            )
    Console(width=110).print(table)
    print(json.dumps(results))
    if missed:
        raise SystemExit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
