"""The secrets of one run: which of them stands for which reference, and what the run itself learns.

For a reference, the first of these wins: a value that this run learnt for its hash, `--credential` for its hash,
`--credential` for its name, the first `[[credential]]` that is for it. Values live in memory only.
"""

import threading
from collections.abc import Collection, Sequence

from entrepot_store.config import CredentialConfig
from entrepot_store.redact import Reference
from entrepot_store.rules.template import PathTemplate

from ..answer import Answer
from ..errors import Unsendable
from .asking import Ask
from .filling import Filling
from .kinds import ASKING, check_sources, given_keys, labels_of, maker
from .material import Material
from .references import normal
from .renewable import Renewable
from .signature import SIGV4
from .sources import CredentialSource

DEFAULT_REFRESH = (401,)


class Configured:
    """One `[[credential]]` in use."""

    __slots__ = ("_config", "digests", "labels", "renewable", "templates")

    def __init__(self, config: CredentialConfig, renewable: Renewable) -> None:
        self.renewable = renewable
        self._config = config
        self.labels = labels_of(config)
        self.digests = frozenset(config.digest)
        self.templates = [PathTemplate.compile(template) for template in config.path]

    def check(self) -> None:
        """Raises BadInput unless its secrets can be read. Does not ask a server: a login may need what steps bring."""
        if self._config.kind in ASKING:
            check_sources(self._config)
        else:
            self.renewable.current()

    def is_for(self, reference: Reference, path: str | None = None) -> bool:
        """Whether it stands for that reference in a request to `path` (without query; None for any request)."""
        if normal(reference.name) not in self.labels or (self.digests and reference.digest not in self.digests):
            return False
        return path is None or not self.templates or any(template.matches(path) for template in self.templates)


class Credentials:
    """The secrets of one run. Safe to share between threads."""

    def __init__(self, sources: Sequence[CredentialSource] = (), configured: Sequence[CredentialConfig] = ()) -> None:
        """Reads `sources` at once; what is configured, when a run needs it. Raises BadInput."""
        self.given = {(source.name, source.digest): _given(source) for source in sources}
        for renewable in self.given.values():
            renewable.current()
        self._ask: Ask = _not_connected
        self.configured = [
            Configured(config, Renewable(config.name, maker(config, self._asking), config.refresh_on))
            for config in configured
        ]
        self._learned: dict[str, bytes] = {}
        self._expected: frozenset[str] = frozenset()
        self._lock = threading.Lock()

    def connect(self, ask: Ask) -> None:
        """Says how logins and token endpoints are asked."""
        self._ask = ask

    def expects(self, digests: Collection[str]) -> None:
        """These secrets will be learnt while the run goes on: they count as covered."""
        with self._lock:
            self._expected |= frozenset(digests)

    def learned(self, digest: str, value: bytes) -> None:
        """The run learnt what stands for the secret with this hash now; it wins over everything else."""
        with self._lock:
            self._learned[digest] = value

    def learnt(self, digest: str) -> bytes | None:
        with self._lock:
            return self._learned.get(digest)

    def covers(self, reference: Reference) -> bool:
        """Whether there is, or will be, a value for it. Raises BadInput if a source of it cannot be read."""
        with self._lock:
            if reference.digest and (reference.digest in self._learned or reference.digest in self._expected):
                return True
        if self.given_for(reference) is not None:
            return True
        fitting = [one for one in self.configured if one.is_for(reference)]
        for one in fitting:
            one.check()
        return bool(fitting)

    def covers_all(self, name: str) -> bool:
        """Whether there is one value for every secret of that name."""
        return (name, "") in self.given or any(
            normal(name) in one.labels and not one.digests and not one.templates for one in self.configured
        )

    def given_for(self, reference: Reference) -> Renewable | None:
        """What `--credential` gives for it."""
        return self.given.get((reference.name, reference.digest)) or self.given.get((reference.name, ""))

    def filling(self, path: str = "/") -> Filling:
        """What puts secrets into one request to `path` (without query)."""
        return Filling(self, path)

    def header(self, name: bytes, value: bytes) -> tuple[bytes, list[Reference]]:
        """The header's value with every known secret in its place, and the references for which there is none."""
        return self.filling().header(name, value)

    def path(self, path: bytes) -> tuple[bytes, list[Reference]]:
        """The same for the query fields of a path."""
        return self.filling().query(path)

    def notes(self) -> list[str]:
        """A sentence for each credential that was made anew, or could not be. None shows a secret."""
        said = []
        for one in (*self.given.values(), *(configured.renewable for configured in self.configured)):
            if one.renewals:
                times = "once" if one.renewals == 1 else f"{one.renewals} times"
                said.append(f"The credential {one.name} was made anew {times}.")
            if one.trouble:
                said.append(f"The credential {one.name} is in trouble: {one.trouble}.")
        return said

    def _asking(
        self, method: str, url: str | None, path: str, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> Answer:
        return self._ask(method, url, path, headers, body)


def _given(source: CredentialSource) -> Renewable:
    label = source.source.label

    def make() -> Material:
        value = source.read()
        if source.name == SIGV4:
            return Material(keys=given_keys(label, value))
        return Material(values={"": value})

    return Renewable(label, make, DEFAULT_REFRESH)


def _not_connected(
    _method: str, _url: str | None, _path: str, _headers: list[tuple[bytes, bytes]], _body: bytes
) -> Answer:
    raise Unsendable("nothing says how a credential is asked for")
