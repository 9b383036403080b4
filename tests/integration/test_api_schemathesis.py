"""The API against its own description, judged by schemathesis: a real server, with data in it, as an admin.

Every check it has is on but one. `positive_data_acceptance` wants every value of the right type accepted; cursors,
times and path templates are strings of which most mean nothing, and those are refused with 400.
Operations that start sending to a target are left out: schemathesis would make targets up.
"""

import subprocess
import sys
from pathlib import Path

import httpx

from entrepot_store.model import Gap
from tests.support.faces import api_log, running_api, stored, various_exchanges


def test_the_api_is_what_it_says_it_is(tmp_path: Path) -> None:
    gap = Gap("w1", 1_763_800_000_000_000, 1_763_800_001_000_000, 3, "spool full")
    with stored(tmp_path / "data", various_exchanges(), gaps=[gap]) as found, running_api(found) as api:
        judged = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                "run",
                f"{api.url}/v1/openapi.json",
                *("--header", f"Authorization: Bearer {api.admin}"),
                *("--checks", "all", "--exclude-checks", "positive_data_acceptance"),
                *("--phases", "examples,coverage,fuzzing,stateful"),
                *("--exclude-path-regex", r"/replays/.*/(start|resume)$"),
                *("--max-examples", "5", "--seed", "1", "--generation-database", "none", "--no-color"),
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
