"""What the demo does, in order, and what it prints."""

import base64
import json
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from .client import call
from .snapshot import Comparison, Snapshot, compare, kind_of, restamped, take
from .stage import DemoFailed, Service, entrepot, free_port, run, running_entrepot
from .storefront import BUCKET, COLLECTION, CUSTOMERS, LEFT

_SHIP_SECONDS = 30.0
_ANSWERS_DIFFER = 20
_CREDENTIAL = "DEMO_PREFERENCES_AUTHORIZATION"


def tell(folder: Path, console: Console) -> bool:
    """Plays the demo with all its data in `folder`; whether everything came back. Raises DemoFailed, OSError."""
    if not find_spec("kinto"):
        raise DemoFailed(
            "The demo's third-party product, Kinto, is not installed: it is a development dependency. Run `make setup`."
        )
    return _Story(folder, console).play()


class _Story:
    def __init__(self, folder: Path, console: Console) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._console = console
        self._services: dict[str, Service] = {}
        self._insights_port = free_port()  # the rules name it, and they are written before insights can start
        self._authorization = "Basic " + base64.b64encode(f"storefront:{secrets.token_hex(8)}".encode()).decode()

    def play(self) -> bool:
        started = time.monotonic()
        try:
            self._say("Three products start: preferences (Kinto, third party), orders and insights.")
            preferences = self._start("preferences")
            orders = self._start("orders")
            arguments = ["--proxy", "127.0.0.1:0", "--api", "127.0.0.1:0"]
            arguments += ["--reverse", f"orders={orders.url}@127.0.0.1:0", "--config", str(self._config(preferences))]
            with running_entrepot(self._data, arguments, self._folder / "entrepot.log") as ready:
                self._say(f"Entrepot stands between them: proxy {ready['proxy']}, orders {ready['reverse']['orders']}.")
                restored = self._lose_and_restore(preferences, ready)
        finally:
            for service in self._services.values():
                service.stop()
        self._say(f"Done in {time.monotonic() - started:.0f} s.")
        return restored

    def _lose_and_restore(self, preferences: Service, ready: dict[str, Any]) -> bool:
        self._say(f"{len(CUSTOMERS)} customers sign up, choose, change their minds; {len(LEFT)} leave again.")
        self._traffic(preferences, ready)
        self._wait_until_kept(ready)
        self._show_what_is_kept(ready)
        before = take(preferences.url, self._authorization)
        derived_before = self._derived()
        self._say(
            f"The preferences product holds {len(before)} objects. Now it loses all of them: stopped, started empty."
        )
        preferences.stop()
        empty = self._start("preferences", port=int(preferences.url.rpartition(":")[2]))
        lost = take(empty.url, self._authorization)
        if lost:
            raise DemoFailed(f"The preferences product should be empty and holds {sorted(lost)}.")
        self._say("It is empty. What was captured is sent to it again:")
        self._replay(empty.url)
        after = take(empty.url, self._authorization)
        self._recompute(empty, ready)
        return self._compare(before, after, derived_before, self._derived())

    # Acts

    def _start(self, name: str, *, port: int = 0) -> Service:
        self._services[name] = Service(name, self._folder / f"{name}.log", port)
        return self._services[name]

    def _config(self, preferences: Service) -> Path:
        """The rules: preferences and recommendations are protected, heartbeats ignored, the rest is captured."""
        path = self._folder / "entrepot.toml"
        path.write_text(
            f"""
[[product]]
name = "preferences"
hosts = ["{preferences.url.removeprefix("http://")}"]

[[product]]
name = "insights"
hosts = ["127.0.0.1:{self._insights_port}"]

[[rule]]
name = "heartbeats"
to = "preferences"
path = "/v1/__heartbeat__"
action = "ignore"

[[rule]]
name = "settings"
to = "preferences"
method = ["PUT", "POST", "PATCH", "DELETE"]
action = "protect"
class = "config"

[[rule]]
name = "recommendations"
to = "insights"
path = "/v1/recommendations/{{customer}}"
action = "protect"
class = "derived"
""",
            encoding="utf-8",
        )
        return path

    def _traffic(self, preferences: Service, ready: dict[str, Any]) -> None:
        insights = self._start_insights(preferences, ready)
        run(
            [*self._run_as("storefront"), sys.executable, "-m", "entrepot_api.demo.storefront"],
            {
                "PREFERENCES_ROOT": preferences.url,
                "PREFERENCES_AUTHORIZATION": self._authorization,
                "INSIGHTS_URL": insights.url,
            },
        )

    def _start_insights(self, preferences: Service, ready: dict[str, Any]) -> Service:
        records = f"{preferences.url}/v1/buckets/{BUCKET}/collections/{COLLECTION}/records"
        self._services["insights"] = Service(
            "insights",
            self._folder / "insights.log",
            self._insights_port,
            environment={
                "PREFERENCES_URL": records,
                "PREFERENCES_AUTHORIZATION": self._authorization,
                "ORDERS_URL": ready["reverse"]["orders"],
            },
            # Orders are reached through their reverse listener, which captures: not through the proxy as well.
            run_as=self._run_as("insights", "--no-proxy", ready["reverse"]["orders"].removeprefix("http://")),
        )
        return self._services["insights"]

    def _recompute(self, preferences: Service, ready: dict[str, Any]) -> None:
        """A new insights process, which remembers nothing, works out everything from the preferences that came back."""
        self._services["insights"].stop()
        insights = self._start_insights(preferences, ready)
        for customer in CUSTOMERS:
            if customer not in LEFT:
                call("POST", f"{insights.url}/v1/recommendations/{customer}", direct=True)

    def _run_as(self, name: str, *options: str) -> list[str]:
        return [*entrepot("run"), "--as", name, "--data", str(self._data), *options, "--"]

    def _wait_until_kept(self, ready: dict[str, Any]) -> None:
        deadline = time.monotonic() + _SHIP_SECONDS
        while (behind := self._status(ready)["seconds_behind"]) > 0:
            if time.monotonic() > deadline:
                raise DemoFailed(f"After {_SHIP_SECONDS:.0f} s captures are still {behind} s behind.")
            time.sleep(0.2)

    def _replay(self, target: str) -> None:
        command = [*entrepot("replay"), "--data", str(self._data), "--to", "preferences", "--target", target]
        command += [
            "--allow-delete",
            "--allow-captured-host",
            "--credential",
            f"authorization=env:{_CREDENTIAL}",
            "--yes",
        ]
        self._say("  $ entrepot " + " ".join(command[3:]))
        # Kinto puts a new last_modified into every answer: accounted for, so each is equivalent. 20: some differ beyond
        # that. What counts is what it holds, below.
        report = json.loads(
            run([*command, "--json"], {_CREDENTIAL: self._authorization}, accepted=(0, _ANSWERS_DIFFER))
        )
        counts, steps = report["replay"]["counts"], report["not_identical"]
        where = Counter(each["where"] for step in steps for each in step["differences"] if each["decisive"])
        told = ", ".join(f"{place} in {number}" for place, number in sorted(where.items()))
        told = f" ({told})" if told else ""
        self._say(
            f"  {report['replay']['plan']['steps']} requests sent. Answers: {counts['identical']} identical,"
            f" {counts['equivalent']} equivalent, {counts['different']} different{told}, {counts['failed']} failed,"
            f" {counts['unknown']} unknown."
        )
        looked = report["verification"]
        if looked is not None:
            self._say(f"  Read back: {looked['counts']['restored']} of {looked['expected']} documents are restored.")

    # What is read and shown

    def _status(self, ready: dict[str, Any]) -> dict[str, Any]:
        status: dict[str, Any] = call(
            "GET", f"{ready['api']}/v1/status", authorization=f"Bearer {ready['token']}", direct=True
        )
        return status

    def _derived(self) -> dict[str, Any]:
        url = self._services["insights"].url
        stayed = (customer for customer in CUSTOMERS if customer not in LEFT)
        return {name: call("GET", f"{url}/v1/recommendations/{name}", direct=True) for name in stayed}

    def _show_what_is_kept(self, ready: dict[str, Any]) -> None:
        listing = json.loads(run([*entrepot("exchanges"), "--data", str(self._data), "--limit", "1000", "--json"]))
        groups: Counter[tuple[str, ...]] = Counter()
        for item in listing["items"]:
            key: tuple[str, ...] = (item["source"], item["destination"], item["rule"], item["class"])
            groups[key] += 1
        table = Table("from", "to", "rule", "class", "exchanges", title="Captured and kept", title_justify="left")
        for key, count in sorted(groups.items()):
            table.add_row(*key, str(count))
        self._console.print(table)
        ledger = self._status(ready)["ledger"]
        self._say(
            f"Ledger: {ledger['seen']} seen = {ledger['stored']} stored + {ledger['ignored']} ignored by rule"
            f" + {ledger['truncated']} truncated + {ledger['failed']} failed."
        )
        if not ledger["balanced"] or ledger["failed"] or ledger["stored"] != len(listing["items"]):
            raise DemoFailed(f"The ledger does not add up: {ledger}, {len(listing['items'])} listed.")

    def _compare(
        self, before: Snapshot, after: Snapshot, derived_before: dict[str, Any], derived_after: dict[str, Any]
    ) -> bool:
        comparisons = [
            compare(kind, _of(before, kind), _of(after, kind))
            for kind in ("buckets", "groups", "collections", "records")
        ]
        comparisons.append(compare("recommendations", derived_before, derived_after))
        self._console.print(_table(comparisons))
        for comparison in comparisons:
            for path, difference in comparison.differences.items():
                self._console.print(f"  {path}: {difference}", style="red", highlight=False)
        self._say(
            f"Data and permissions of every object are compared. Not compared: last_modified, which the server stamps"
            f" at every write; {restamped(before, after)} of {len(after)} objects carry a new one."
        )
        gone = [name for name in LEFT if any(path.endswith(f"/{name}") for path in after)]
        if gone:
            self._say(f"Deleted before the loss and back all the same: {', '.join(gone)}.")
        return not gone and not any(comparison.differences for comparison in comparisons)

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False)


def _of(snapshot: Snapshot, kind: str) -> Snapshot:
    return {path: content for path, content in snapshot.items() if kind_of(path) == kind}


def _table(comparisons: list[Comparison]) -> Table:
    table = Table(title="Lost and brought back", title_justify="left")
    headings: tuple[tuple[str, Callable[[Comparison], object]], ...] = (
        ("what", lambda each: each.kind),
        ("before", lambda each: each.before),
        ("after", lambda each: each.after),
        ("identical", lambda each: each.identical),
        ("different", lambda each: len(each.differences)),
    )
    for heading, _ in headings:
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for comparison in comparisons:
        style = "red" if comparison.differences else "green"
        table.add_row(*(str(value(comparison)) for _, value in headings), style=style)
    return table
