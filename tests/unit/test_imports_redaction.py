"""Importing redacts bodies as capturing does, and keeps the references in what Entrepot itself exported."""

from dataclasses import replace
from pathlib import Path

from entrepot_store.config import Settings
from entrepot_store.imports.entries import Recorded
from entrepot_store.imports.intake import Intake
from entrepot_store.model import Body
from tests.support.spooled import make_exchange


def test_bodies_of_a_recording_are_redacted_once(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"data": tmp_path, "rule": [{"name": "a", "redact": {"json": "$.token", "regex": "tok_[a-z]+"}}]}
    )
    given = make_exchange(1)
    given = replace(given, request=replace(given.request, path=b"/tok_x", body=Body.of(b'{"token": "x"}')))
    with Intake(settings, None) as intake:
        first = intake.prepare(Recorded("entry 1", given))
        assert first is not None
        assert (first.request.body.data or b"").startswith(b'{"token": "{{secret:token:')
        assert first.request.path.startswith(b"/{{secret:regex:")
        again = intake.prepare(Recorded("entry 1", first, own=True))
        assert again is not None
        assert (again.request.body, again.request.path) == (first.request.body, first.request.path)
        foreign = intake.prepare(Recorded("entry 1", first))
        assert foreign is not None
        assert foreign.request.body != first.request.body
