"""What deciding and redacting cost per exchange: `python -m benchmarks.rules`.

The capture path runs in one thread and must pass well over 1,300 requests a second, so all of its work together has
some 700 µs per exchange. Times are the best of several runs, in microseconds.
"""

import timeit
from collections.abc import Callable

from entrepot_store.config import RuleConfig, Settings
from entrepot_store.model import Headers
from entrepot_store.rules import ProductNames, RuleSet

from .machine import Machine

KEY = bytes(range(32))
ROUNDS = 20_000
RUNS = 5


def settings(rules: int) -> Settings:
    """Rules as a large installation has them: most speak of another product, one per resource of this one."""
    configured = [
        RuleConfig.model_validate(
            {
                "name": f"rule-{number}",
                "to": "orders" if number % 4 == 0 else f"other-{number}",
                "path": f"/v1/resource-{number}/{{id}}/parts/{{part}}",
                "method": ["GET", "PUT"],
                "status": "2xx",
            }
        )
        for number in range(rules)
    ]
    return Settings(rule=tuple(configured))


def request_headers(session: str) -> Headers:
    """A usual API client's headers, with two secrets among them."""
    return (
        (b"Host", b"orders.internal"),
        (b"User-Agent", b"billing/4.2"),
        (b"Accept", b"application/json"),
        (b"Accept-Encoding", b"gzip, deflate, br"),
        (b"Connection", b"keep-alive"),
        (b"Content-Type", b"application/json"),
        (b"Content-Length", b"570"),
        (b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        (b"X-Request-Id", b"7d0d8a1e-6a57-4c4f-93ff-2b2b6ac5b9d7"),
        (b"Authorization", b"Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJiaWxsaW5nIn0." + session.encode()),
        (b"Cookie", b"session=%s; theme=dark" % session.encode()),
    )


def measure(call: Callable[[int], object]) -> float:
    """Microseconds per call; `call` gets a running number."""

    def run() -> None:
        for number in range(ROUNDS):
            call(number)

    return min(timeit.repeat(run, number=1, repeat=RUNS)) / ROUNDS * 1e6


def results() -> dict[str, float]:
    found: dict[str, float] = {"an empty call, to compare": measure(lambda number: number)}
    for rules in (0, 10, 100):
        compiled = RuleSet.compile(settings(rules), KEY)
        last = (rules - 1) // 4 * 4
        path = b"/v1/resource-%d/4711/parts/9?full=1" % last

        def decide(number: int, compiled: RuleSet = compiled, path: bytes = path) -> object:
            return compiled.decide("billing", "orders", b"PUT", path, b"application/json", 200)

        def decide_early(number: int, compiled: RuleSet = compiled, path: bytes = path) -> object:
            return compiled.decide_early("billing", "orders", b"PUT", path)

        found[f"decide, the last of {rules} rules matches"] = measure(decide)
        found[f"decide_early, the last of {rules} rules matches"] = measure(decide_early)

        def invented(number: int, compiled: RuleSet = compiled, path: bytes = path) -> object:
            return compiled.decide("billing", f"host-{number}", b"PUT", path, b"application/json", 200)

        found[f"decide, a host never seen before, {rules} rules"] = measure(invented)
    names = ProductNames(())
    found["destination, known"] = measure(lambda number: names.destination("orders.internal", 443))
    found["destination, never seen before"] = measure(lambda number: names.destination(f"host-{number}", 443))
    redactor = RuleSet.compile(settings(0), KEY).decide("a", "b", b"GET", b"/", None, None).redactor
    clients = [request_headers(f"s{number:08}") for number in range(16)]
    plain = clients[0][:-2]
    found["redact 9 headers, no secret"] = measure(lambda number: redactor.headers(plain))
    found["redact 11 headers, secrets of 16 clients"] = measure(lambda number: redactor.headers(clients[number % 16]))
    every = [request_headers(f"t{number:08}") for number in range(ROUNDS)]
    found["redact 11 headers, every secret new"] = measure(lambda number: redactor.headers(every[number]))
    found["redact a path without secrets"] = measure(lambda number: redactor.path(b"/v1/settings/4711?full=1"))
    return found


def main() -> None:
    machine = Machine()
    found = results()
    for name, value in found.items():
        print(f"{value:8.2f} µs  {name}")
    machine.report({f"{name} (µs)": round(value, 3) for name, value in found.items()})


if __name__ == "__main__":
    main()
