"""A credential of every kind, used, refused, made anew and failing: and not one secret in any byte that a replay leaves
behind or says."""

import json
import os
import subprocess
import sys
from pathlib import Path

from entrepot_store.config import Settings
from entrepot_store.redact import Redactor
from tests.support.captured import Recording
from tests.support.faces import stored
from tests.support.leaks import Secrets, all_bytes
from tests.support.replay_target import ReplayTarget, Seen, answer

REDACTOR = Redactor(
    bytes(range(32)), frozenset({"authorization", "cookie", "x-api-key", "x-session"}), frozenset({"api_key"})
)
SCOPE = b"AKID/20261122/eu-central-1/sqs/aws4_request"
SIGNED = b"AWS4-HMAC-SHA256 Credential=%b, SignedHeaders=host;x-amz-date, Signature=%b" % (SCOPE, b"0" * 64)

CONFIG = """
[[credential]]
name = "bearer"
to = "orders"
kind = "bearer"
path = "/bearer"
token = "cmd:{python} {folder}/token.py"

[[credential]]
name = "basic"
to = "orders"
kind = "basic"
path = "/basic"
user = "restore"
password = "file:{folder}/password"

[[credential]]
name = "header"
to = "orders"
kind = "header"
header = "x-api-key"
value = "env:LEAK_HEADER"

[[credential]]
name = "query"
to = "orders"
kind = "query"
field = "api_key"
value = "env:LEAK_QUERY"

[[credential]]
name = "cookie"
to = "orders"
kind = "cookie"
path = "/cookie"
cookie = "sid"
value = "env:LEAK_COOKIE"

[[credential]]
name = "login"
to = "orders"
kind = "login"
path = "/login/**"
header = "x-session"
login = {{ path = "/sign-in", form = {{ user = "u", password = "env:LEAK_LOGIN" }}, token = "$.token" }}

[[credential]]
name = "oauth2"
to = "orders"
kind = "oauth2"
path = "/oauth2"
token_url = "{issuer}/token"
client_id = "restore"
client_secret = "env:LEAK_CLIENT"

[[credential]]
name = "refused"
to = "orders"
kind = "oauth2"
path = "/refused"
token_url = "{issuer}/refused"
client_id = "restore"
client_secret = "env:LEAK_REFUSED"

[[credential]]
name = "aws"
to = "orders"
kind = "sigv4"
access_key = "env:LEAK_KEY"
secret_key = "env:LEAK_SECRET"
session_token = "env:LEAK_SESSION"
"""


def recording() -> Recording:
    found = Recording()
    for path, *headers in (
        (b"/bearer", (b"Authorization", b"Bearer recorded")),
        (b"/bearer", (b"Authorization", b"Bearer recorded")),
        (b"/basic", (b"Authorization", b"Basic cmVjb3JkZWQ="), (b"X-API-Key", b"recorded")),
        (b"/query?api_key=recorded",),
        (b"/cookie", (b"Cookie", b"sid=recorded")),
        (b"/login/x", (b"Cookie", b"sid=recorded"), (b"X-Session", b"recorded")),
        (b"/oauth2", (b"Authorization", b"Bearer recorded")),
        (b"/refused", (b"Authorization", b"Bearer recorded")),
        (b"/aws", (b"Authorization", SIGNED), (b"X-Amz-Date", b"20261122T100000Z")),
    ):
        found.add("POST", REDACTOR.path(path), b"{}", headers=REDACTOR.headers(tuple(headers)))
    return found


class Service:
    """Takes every credential, but the first of each only once it was made anew; breaks one connection off."""

    def __init__(self, secrets: Secrets) -> None:
        self.secrets = secrets
        self.refused: set[str] = set()

    def __call__(self, seen: Seen) -> bytes | None:
        place = seen.path.partition("?")[0]
        if place == "/sign-in":
            token = json.dumps({"token": self.secrets("login token")}).encode()
            return answer(200, token, extra=f"Set-Cookie: sid={self.secrets('login cookie')}\r\n".encode())
        if place == "/cookie":
            return None
        if place not in self.refused:
            self.refused.add(place)
            return answer(401)
        return answer()


def test_no_secret_is_left_behind_or_said(tmp_path: Path) -> None:
    secrets = Secrets()
    names = ("HEADER", "QUERY", "COOKIE", "LOGIN", "CLIENT", "REFUSED", "KEY", "SECRET", "SESSION")
    environment = {f"LEAK_{name}": secrets(name) for name in names}
    (tmp_path / "password").write_text(secrets("password"))
    # A new token each time, with the process id in it: so it really is made anew.
    (tmp_path / "token.py").write_text(f"import os\nprint({secrets('token')!r} + str(os.getpid()))\n")

    def issue(seen: Seen) -> bytes:
        if seen.path == "/refused":
            return answer(401, json.dumps({"error": secrets.by_place["REFUSED"]}).encode())
        token = {"access_token": secrets("issued"), "token_type": "bearer"}
        return answer(200, json.dumps(token).encode())

    data = tmp_path / "data"
    with stored(data, recording().exchanges) as found:
        assert isinstance(found.settings, Settings)
    with ReplayTarget(Service(secrets)) as target, ReplayTarget(issue) as issuer:
        file = tmp_path / "entrepot.toml"
        file.write_text(CONFIG.format(python=sys.executable, folder=tmp_path, issuer=issuer.url))
        done = subprocess.run(
            [
                *(sys.executable, "-m", "entrepot_api", "replay", "--data", str(data), "--config", str(file)),
                *("--to", "orders", "--target", target.url, "--yes"),
            ],
            capture_output=True,
            check=False,
            env={**os.environ, **environment, "ENTREPOT_DEBUG": "1"},
        )
        used = b"".join(seen.head + seen.body for seen in (*target.seen, *issuer.seen))
    assert done.returncode == 21, done.stderr.decode()
    said = done.stdout + done.stderr
    assert b"the token endpoint of the credential refused answered 401" in said
    assert b"The credential bearer was made anew once." in done.stderr
    # All of them were really there to be leaked; a few show only in hashes, or as base64.
    assert secrets.found(used) | {"SECRET"} == set(secrets.by_place)
    assert secrets.found(said) == set()
    assert {name: places for name, content in all_bytes(data) if (places := secrets.found(content))} == {}
