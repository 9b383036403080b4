"""The API against its own description, judged by schemathesis: a real server, with data in it, as an admin.

Every check it has is on but one. `positive_data_acceptance` wants every value of the right type accepted; cursors,
times and path templates are strings of which most mean nothing, and those are refused with 400.
Operations that start sending to a target are left out: schemathesis would make targets up.
Of ids, times and URLs it gets real ones, most of the time: with made-up ones it would see nothing but 404.
"""

import json
import re
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from entrepot_store.catalog import ExchangeFilter
from entrepot_store.catalog.documents import DocumentFilter
from entrepot_store.coverage.watch import CoverageWatch
from entrepot_store.documents import Recipe
from entrepot_store.model import Gap
from entrepot_store.ship import run_shipper
from entrepot_store.spool import SpoolFolder
from tests.support.faces import Stored, api_log, run_cli, running_api, stored, various_exchanges
from tests.support.spooled import write_sealed
from tests.support.timetravel import GONE, HOST, LOGO, PRICES, SETTINGS, an_hour, at

RECIPES = {"default": Recipe(index=(("theme", "$.theme"), ("size", "$.size")))}
SUCCEEDS = (
    "/v1/documents",
    "/v1/documents/{identifier}",
    "/v1/documents/{identifier}/content",
    "/v1/documents/{identifier}/diff",
    "/v1/documents/{identifier}/versions",
    "/v1/documents/{identifier}/versions/{version}",
    "/v1/documents/{identifier}/versions/{version}/content",
    "/v1/tree",
    "/v1/timegate/{url}",
    "/v1/timemap/{url}",
    "/v1/coverage",
    "/v1/exchanges/{identifier}/request/body",
)
"""What must have been answered with something else than a problem, at least once."""


def test_the_api_is_what_it_says_it_is(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    gap = Gap("w1", 1_763_800_000_000_000, 1_763_800_001_000_000, 3, "spool full")
    with stored(tmp_path / "data", various_exchanges(), gaps=[gap]) as found:
        protect(found)
        assert run_cli(capfdbinary, "pin", HOST, SETTINGS, "--at", at(15), "--data", found.settings.data).code == 0
        (tmp_path / "schemathesis.toml").write_text(real_values(found))
        with running_api(found) as api:
            judged = subprocess.run(
                [
                    str(Path(sys.executable).with_name("schemathesis")),
                    "run",
                    f"{api.url}/v1/openapi.json",
                    *("--header", f"Authorization: Bearer {api.admin}"),
                    *("--checks", "all", "--exclude-checks", "positive_data_acceptance"),
                    *("--phases", "examples,coverage,fuzzing,stateful"),
                    *("--exclude-path-regex", r"/replays/.*/(start|resume)$"),
                    *("--max-examples", "3", "--seed", "1", "--generation-database", "none", "--no-color"),
                    *("--report", "har", "--report-har-path", "asked.har"),
                ],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=240,
                check=False,
            )
            assert judged.returncode == 0, judged.stdout[-8000:] + judged.stderr
            assert "0 generated" not in judged.stdout
            assert api.process.poll() is None
            assert httpx.get(f"{api.url}/readyz").status_code == 200
            assert "Traceback" not in api_log(found.settings.data).read_text()
            answered = successes(tmp_path / "asked.har")
            assert not [path for path in SUCCEEDS if not any(re.fullmatch(pattern(path), one) for one in answered)]


def protect(found: Stored) -> None:
    """An hour in the life of a product whose documents are protected, seen by coverage as well."""
    history = an_hour()
    history.add(45, "PATCH", "/v1/unseen", b'{"a": 1}', headers=((b"Content-Type", b"application/merge-patch+json"),))
    history.put(46, "/v1/odd", b"no json")
    spool, archive = SpoolFolder(found.settings.data / "spool"), found.archive
    write_sealed(spool, history.exchanges, sequence=2, worker="w2")
    run_shipper(spool, archive.vault, archive.catalog, threading.Event(), mode="once", recipes=lambda: RECIPES)
    CoverageWatch(archive, lambda: found.settings).catch_up()


def real_values(found: Stored) -> str:
    """A configuration of schemathesis that has it draw from what there is."""
    catalog = found.archive.catalog
    documents = list(catalog.documents.iterate(DocumentFilter(destination=(HOST,))))
    settings = catalog.documents.find(HOST, SETTINGS)
    versions = [str(row.id) for row in catalog.documents.iterate_versions(settings.id)]
    moments = [at(5), at(15), at(50), "2099-01-01", "1w"]
    values = {
        "documents": [str(row.id) for row in documents],
        "settings": [str(settings.id)],
        "versions": versions,
        "moments": moments,
        "ends": [*moments, *versions],
        "exchanges": [str(row.id) for row in catalog.iterate(ExchangeFilter())],
        "products": [HOST],
        "urls": [f"http://{HOST}{path}" for path in (SETTINGS, f"{PRICES}?page=1&full=yes", LOGO, GONE, "/none")],
    }
    times = {"query.at": "moments"}
    ends = {"query.from": "ends", "query.to": "ends"}
    parameters: list[tuple[str, dict[str, str]]] = [
        ("/documents/{identifier}/versions/{version}", {"path.identifier": "settings", "path.version": "versions"}),
        ("/documents/{identifier}", {"path.identifier": "documents", **times, **ends}),
        ("/exchanges/{identifier}", {"path.identifier": "exchanges"}),
        ("/tree", {"query.destination": "products", **times}),
        ("/time", {"path.url": "urls"}),
    ]
    lines = []
    for name, drawn in values.items():
        lines += [f"[dictionaries.{name}]", f"values = {json.dumps(drawn)}"]
    for path, names in parameters:
        lines += ["[[operations]]", f"include-path-regex = {json.dumps('^/v1' + re.escape(path))}"]
        drawn_from = (f'"{key}" = {{ dictionary = "{name}", probability = 0.9 }}' for key, name in names.items())
        lines.append(f"parameters = {{ {', '.join(drawn_from)} }}")
    return "\n".join(lines) + "\n"


def successes(har: Path) -> set[str]:
    """The paths that were answered with 2xx or 3xx."""
    entries = json.loads(har.read_text())["log"]["entries"]
    return {urlsplit(one["request"]["url"]).path for one in entries if 200 <= one["response"]["status"] < 400}


def pattern(path: str) -> str:
    return re.sub(r"\\{(\w+)\\}", lambda name: ".+" if name[1] == "url" else "[^/]+", re.escape(path))


def test_the_description_names_what_every_endpoint_answers(tmp_path: Path) -> None:
    with stored(tmp_path / "data", []) as found, running_api(found) as api:
        description = httpx.get(f"{api.url}/v1/openapi.json").json()
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    assert "Problem" in description["components"]["schemas"]
    assert description["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    names = []
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            names.append(operation["operationId"])
            assert operation["summary"], (path, method)
            assert operation["description"], (path, method)
            if not path.startswith("/v1/"):
                continue
            assert operation["security"] == [{"bearer": []}], (path, method)
            if method != "head":
                for status in ("400", "401", "403", "422", "500", "503"):
                    assert operation["responses"][status]["content"] == problem, (path, method, status)
    assert len(set(names)) == len(names)
    assert "HTTPValidationError" not in description["components"]["schemas"]
