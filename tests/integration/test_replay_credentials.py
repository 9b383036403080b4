"""Credentials of every kind against real servers: what arrives, what is made anew when it is refused, and how often."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from entrepot_api.tokens import create_token
from entrepot_replay import wire
from entrepot_replay.credentials import Credentials, CredentialSource, configured_for
from entrepot_replay.credentials.material import Material
from entrepot_replay.credentials.renewable import Renewable
from entrepot_replay.errors import NotSent, Unsendable
from entrepot_replay.options import RunOptions
from entrepot_replay.renewing import asker
from entrepot_replay.sender import Timeouts
from entrepot_replay.target import Target
from entrepot_store.clock import SystemClock
from entrepot_store.config import CredentialConfig
from entrepot_store.errors import BadInput
from entrepot_store.redact import Redactor
from tests.support.captured import Recording
from tests.support.faces import serving, stored, wait_for_state
from tests.support.proxy import wait_until
from tests.support.replay_target import ReplayTarget, Seen, answer
from tests.support.replaying import Bench, replaying

KEY = bytes(range(32))
REDACTOR = Redactor(KEY, frozenset({"authorization", "cookie", "set-cookie", "x-api-key"}), frozenset({"api_key"}))
HEADERS = (
    (b"Authorization", b"Bearer recorded"),
    (b"Cookie", b"sid=recorded; theme=dark"),
    (b"X-API-Key", b"recorded"),
    (b"Content-Type", b"application/json"),
)


def config(kind: str, **keys: Any) -> CredentialConfig:
    return CredentialConfig.model_validate({"name": f"a-{kind}", "to": "orders", "kind": kind, **keys})


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOKEN", "PASSWORD", "KEY", "SID", "SECRET", "QUERY"):
        monkeypatch.setenv(name, f"live-{name.lower()}")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    recording = Recording()
    for number in range(3):
        recording.add(
            "POST",
            REDACTOR.path(b"/v1/orders?n=%d&api_key=recorded" % number),
            b"{}",
            headers=REDACTOR.headers(HEADERS),
        )
    with replaying(tmp_path, recording.exchanges) as found:
        yield found


def run(bench: Bench, target: ReplayTarget, *configured: CredentialConfig, given: tuple[str, ...] = ()) -> Credentials:
    credentials = Credentials([CredentialSource.parse(text) for text in given], configured)
    bench.run(bench.plan(target.url).id, RunOptions(), credentials)
    return credentials


ALL = (
    config("bearer", token="env:TOKEN"),
    config("header", header="x-api-key", value="env:KEY"),
    config("query", field="api_key", value="env:QUERY"),
    config("cookie", cookie="sid", value="env:SID"),
)


def test_each_kind_arrives_where_it_belongs(bench: Bench, secrets: None) -> None:
    with ReplayTarget() as target:
        run(bench, target, *ALL)
    assert len(target.seen) == 3
    for number, seen in enumerate(target.seen):
        assert seen.path == f"/v1/orders?n={number}&api_key=live-query"
        assert seen.header(b"authorization") == b"Bearer live-token"
        assert seen.header(b"x-api-key") == b"live-key"
        assert seen.header(b"cookie") == b"sid=live-sid"  # nobody gives a theme


def test_a_refusal_comes_before_anything_is_sent(bench: Bench, secrets: None) -> None:
    with ReplayTarget() as target:
        with pytest.raises(BadInput, match="cookie:"):
            run(bench, target, *ALL[:3])
        with pytest.raises(BadInput, match="no environment variable NOT_THERE"):
            run(bench, target, config("bearer", token="env:NOT_THERE"), *ALL[1:])
        nobody = config("login", login={"path": "/login", "form": {"password": "file:/not/there"}, "token": "$.t"})
        with pytest.raises(BadInput, match="/not/there cannot be read"):
            run(bench, target, nobody, *ALL[1:3])
    assert target.seen == []


def test_the_command_line_wins(bench: Bench, secrets: None) -> None:
    with ReplayTarget() as target:
        run(bench, target, *ALL, given=("authorization=env:SECRET",))
    assert target.seen[0].header(b"authorization") == b"Bearer live-secret"


def test_basic_and_paths(bench: Bench, secrets: None) -> None:
    elsewhere = config("bearer", token="env:TOKEN", path="/other/**")
    with ReplayTarget() as target:
        run(bench, target, elsewhere, config("basic", user="alice", password="env:PASSWORD", path="/v1/*"), *ALL[1:])
    expected = b"Basic " + base64.b64encode(b"alice:live-password")
    assert {seen.header(b"authorization") for seen in target.seen} == {expected}


def test_what_the_run_learns_wins_and_counts_as_covered(bench: Bench, secrets: None) -> None:
    row = bench.plan("http://127.0.0.1:1")
    digests = {entry["name"]: entry["digest"] for entry in row.plan["secrets"]}
    assert digests["authorization"] == digests["x-api-key"]  # the same value in several places is one secret
    credentials = Credentials()
    credentials.expects(entry["digest"] for entry in row.plan["secrets"])
    with ReplayTarget() as target:
        row = bench.plan(target.url)
        started = bench.replays.start(row.id, RunOptions(), credentials)
        for digest in {entry["digest"] for entry in row.plan["secrets"]} - {digests["authorization"]}:
            credentials.learned(digest, b"learnt-other")
        credentials.learned(digests["authorization"], b"learnt")
        started.executor.run()
    seen = target.seen[0]
    assert seen.header(b"authorization") == b"Bearer learnt"
    assert seen.header(b"cookie") == b"sid=learnt; theme=learnt-other"
    assert seen.path.endswith("api_key=learnt")


def test_what_was_expected_and_not_learnt_is_not_sent(bench: Bench, secrets: None) -> None:
    credentials = Credentials()
    with ReplayTarget() as target:
        row = bench.plan(target.url)
        credentials.expects(entry["digest"] for entry in row.plan["secrets"])
        report = bench.run(row.id, RunOptions(), credentials)
    assert (target.seen, report.counts.failed) == ([], 3)
    assert "there is no credential for" in report.steps[0].reason


class Login:
    """A target with a login: sessions and tokens that it gives out are good for two requests."""

    def __init__(self, *, good_for: int = 2) -> None:
        self.logins = 0
        self.good_for = good_for
        self.left = 0

    def __call__(self, seen: Seen) -> bytes:
        if seen.path.startswith("/login"):
            self.logins += 1
            self.left = self.good_for
            if json.loads(seen.body) != {"user": "alice", "password": "live-password"}:
                return answer(401)
            extra = b"Set-Cookie: sid=s%d; Path=/\r\nSet-Cookie: old=; Max-Age=0\r\n" % self.logins
            return answer(200, b'{"data": {"token": "t%d"}}' % self.logins, extra=extra)
        good = (b"sid=s%d" % self.logins, b"Bearer t%d" % self.logins)
        if (seen.header(b"cookie"), seen.header(b"authorization")) != good or not self.left:
            return answer(401)
        self.left -= 1
        return answer()


LOGIN = config(
    "login",
    login={"path": "/login", "json": {"user": "alice", "password": "env:PASSWORD"}, "token": "$.data.token"},
)


def test_a_login_is_done_when_it_is_needed_and_again_when_it_has_run_out(bench: Bench, secrets: None) -> None:
    service = Login()
    with ReplayTarget(service) as target:
        credentials = run(bench, target, LOGIN, *ALL[1:3])
    assert [seen.path.partition("?")[0] for seen in target.seen] == [
        *("/login", "/v1/orders", "/v1/orders"),
        *("/v1/orders", "/login", "/v1/orders"),  # refused, so logged in again and sent again
    ]
    assert credentials.notes() == ["The credential a-login was made anew once."]
    assert len({seen.header(b"idempotency-key") for seen in target.seen[3:] if "orders" in seen.path}) == 1


def test_a_login_that_is_refused_fails_the_steps_and_says_why(
    bench: Bench, secrets: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", "wrong")
    with ReplayTarget(Login()) as target:
        row = bench.plan(target.url)
        report = bench.run(row.id, RunOptions(), Credentials((), (LOGIN, *ALL[1:3])))
    assert report.counts.failed == 3
    assert {step.reason for step in report.steps} == {"the login of the credential a-login answered 401"}
    assert len(target.seen) < 3  # it is not asked again and again
    assert "wrong" not in repr(report)


def test_a_refusal_that_nothing_helps_is_not_met_with_a_loop(bench: Bench, secrets: None) -> None:
    """The same token once more, or one that is refused as well."""
    with ReplayTarget(lambda seen: answer(401)) as target:
        run(bench, target, *ALL)
        assert len(target.seen) == 3  # a variable of this process does not change
        target.seen.clear()
        counting = config("bearer", token="cmd:date +%s%N", refresh_on=[401, 403])
        run(bench, target, counting, *ALL[1:])
        tokens = [seen.header(b"authorization") for seen in target.seen]
        assert 4 <= len(tokens) <= 6
        assert len(set(tokens)) <= 4


def test_a_status_that_was_recorded_too_is_no_refusal(tmp_path: Path, secrets: None) -> None:
    recording = Recording()
    recording.add("POST", "/x", b"{}", headers=REDACTOR.headers(HEADERS[:1]), status=401)
    with ReplayTarget(lambda seen: answer(401)) as target, replaying(tmp_path, recording.exchanges) as bench:
        row = bench.plan(target.url, status=("401",))
        bench.run(row.id, RunOptions(), Credentials((), [config("bearer", token="cmd:date +%s%N")]))
    assert len(target.seen) == 1


@pytest.mark.parametrize("how", ["basic", "body"])
def test_client_credentials(bench: Bench, secrets: None, how: str) -> None:
    given = iter(range(1, 10))

    def tokens(seen: Seen) -> bytes:
        form = {name: values[0] for name, values in parse_qs(seen.body.decode()).items()}
        said = seen.header(b"authorization")
        if how == "basic":
            assert said == b"Basic " + base64.b64encode(b"the+client:live-secret")
        else:
            assert (form.pop("client_id"), form.pop("client_secret"), said) == ("the client", "live-secret", None)
        assert form == {"grant_type": "client_credentials", "scope": "write read"}
        token = {"access_token": f"a{next(given)}", "token_type": "Bearer", "expires_in": 3600}
        return answer(200, json.dumps(token).encode())

    def service(seen: Seen) -> bytes:
        return answer(401 if seen.header(b"authorization") == b"Bearer a1" and "n=2" in seen.path else 200)

    with ReplayTarget(tokens) as issuer, ReplayTarget(service) as target:
        oauth2 = config(
            "oauth2",
            token_url=f"{issuer.url}/oauth/token",
            client_id="the client",
            client_secret="env:SECRET",
            client_auth=how,
            scope="write read",
        )
        run(bench, target, oauth2, *ALL[1:])
    assert [seen.header(b"authorization") for seen in target.seen] == [
        *(b"Bearer a1", b"Bearer a1", b"Bearer a1", b"Bearer a2")
    ]
    assert [seen.path for seen in issuer.seen] == ["/oauth/token"] * 2


def test_a_token_endpoint_that_is_away_is_waited_for(bench: Bench, secrets: None) -> None:
    answers = iter([answer(503), answer(200, b'{"access_token": "a1", "token_type": "bearer"}')])
    with ReplayTarget(lambda seen: next(answers)) as issuer, ReplayTarget() as target:
        oauth2 = config("oauth2", token_url=f"{issuer.url}/t", client_id="c", client_secret="env:SECRET")
        run(bench, target, oauth2, *ALL[1:])
        assert len(target.seen) == 3


def test_many_threads_make_it_anew_once() -> None:
    made: list[int] = []

    def make() -> Material:
        made.append(1)
        return Material(values={"": b"%d" % len(made)})

    one = Renewable("one", make, [401])
    generation, _ = one.current()
    start, results = Barrier(8), []

    def refused() -> None:
        start.wait()
        results.append(one.renew(generation))

    threads = [Thread(target=refused) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (results, len(made), one.renewals) == ([True] * 8, 2, 1)


def test_it_pauses_when_making_it_anew_does_not_help_and_is_made_when_it_expires() -> None:
    now, made = [100.0], [0]

    def make() -> Material:
        made[0] += 1
        return Material(values={"": b"%d" % made[0]}, expires=now[0] + 50)

    one = Renewable("one", make, [401], lambda: now[0])
    generation, _ = one.current()
    for _ in range(5):
        if one.renew(generation):
            one.settle(helped=False)
        generation, _ = one.current()
    assert made[0] == 2
    now[0] += 1
    assert one.renew(generation)
    one.settle(helped=True)
    assert one.trouble == ""
    now[0] += 60
    assert one.current()[1].values[""] == b"4"


def test_only_credentials_for_that_destination_and_target_are_used() -> None:
    everywhere, here = config("bearer", token="env:T"), config("bearer", token="env:T", target="http://new:9002")
    other = config("bearer", token="env:T").model_copy(update={"to": "billing"})
    entries = (everywhere, here, other)
    assert configured_for(entries, "orders", Target.parse("http://new:9002/v2")) == [everywhere, here]
    assert configured_for(entries, "orders", Target.parse("http://NEW:9002"), only_named=True) == [here]
    assert configured_for(entries, "orders", Target.parse("https://new:9002"), only_named=True) == []


def test_a_server_that_is_asked_and_is_not_there(secrets: None) -> None:
    ask = asker(Target.parse("http://127.0.0.1:1"), lambda server: wire.new_sender(server, Timeouts(), None))
    with pytest.raises(NotSent, match=r"127\.0\.0\.1:1: "):
        ask("POST", None, "/login", [], b"x")
    with pytest.raises(Unsendable, match="nothing says"):
        Credentials((), [LOGIN]).header(*REDACTOR.headers(HEADERS)[0])


def test_over_http_only_what_names_its_target_is_used(tmp_path: Path, secrets: None) -> None:
    recording = Recording()
    recording.add("PUT", "/x", b"{}", headers=REDACTOR.headers(HEADERS[:1]))
    with ReplayTarget() as target, ReplayTarget() as elsewhere:
        file = tmp_path / "entrepot.toml"
        file.write_text(
            '[[credential]]\nname = "any"\nto = "orders"\nkind = "bearer"\ntoken = "env:SECRET"\n'
            '[[credential]]\nname = "here"\nto = "orders"\nkind = "bearer"\ntoken = "env:TOKEN"\n'
            f'target = "{target.url}"\n'
        )
        with stored(tmp_path / "data", recording.exchanges) as found:
            _, token = create_token(found.archive.catalog, SystemClock(), name="operator", scopes=("replay", "read"))
            with serving(found.settings.data, "--config", str(file)) as process:
                url = wait_for_state(found.settings.data, process)["listen"]
                with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
                    for place, status in ((elsewhere.url, 400), (target.url, 202)):
                        replay = client.post("/v1/replays", json={"to": "orders", "target": place}).json()["id"]
                        assert client.post(f"/v1/replays/{replay}/start").status_code == status
                    wait_until(lambda: target.seen, "the step is sent")
    assert target.seen[0].header(b"authorization") == b"Bearer live-token"
    assert elsewhere.seen == []
