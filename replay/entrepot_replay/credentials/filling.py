"""Puts secrets into one request, and remembers which it used: they are made anew if the target refuses them."""

from typing import TYPE_CHECKING
from urllib.parse import quote

from entrepot_store.redact import Reference

from .material import Keys, Material
from .references import header_references, normal, query_references
from .renewable import Renewable
from .signature import SIGV4, Signature

if TYPE_CHECKING:
    from .run import Credentials


class Filling:
    """For one request, in one thread."""

    def __init__(self, credentials: "Credentials", path: str) -> None:
        self._credentials = credentials
        self._path = path
        self._used: dict[Renewable, int] = {}

    def header(self, name: bytes, value: bytes) -> tuple[bytes, list[Reference]]:
        """The header's value with every known secret in its place, and the references for which there is none.

        Raises BadInput, NotSent and Unsendable as the making of a credential does.
        """
        references = header_references(name, value)
        if not references:
            return value, []
        if references[0].name == "cookie" and name.lower() == b"cookie":
            return self._cookies(value, references)
        missing = []
        for reference in references:
            secret = self._particular(reference) or self._general(reference)
            if secret is not None:
                value = _put(value, reference.text, secret)
                continue
            whole = self._whole(reference)
            if whole is not None:
                return whole, []
            missing.append(reference)
        return value, missing

    def query(self, path: bytes) -> tuple[bytes, list[Reference]]:
        """The same for the query fields of a path."""
        missing = []
        for reference in query_references(path):
            secret = self._particular(reference) or self._general(reference)
            if secret is None:
                for material in self._materials(reference):
                    secret = secret or material.fields.get(normal(reference.name))
            if secret is None:
                missing.append(reference)
            else:
                path = path.replace(reference.text, quote(secret, safe="%-._~").encode("ascii"))
        return path, missing

    def keys(self, signature: Signature) -> Keys | None:
        """What signs the request anew; None if nobody gave keys."""
        reference = Reference(SIGV4, signature.digest)
        given = self._credentials.given_for(reference)
        if given is not None:
            return self._use(given).keys
        return next((material.keys for material in self._materials(reference)), None)

    def refused(self, status: int) -> bool:
        """Makes anew what the target refused with that status. Whether sending again can help."""
        anew = [one.renew(generation) for one, generation in self._used.items() if status in one.refresh_on]
        return any(anew)

    def settle(self, status: int) -> None:
        """What the target said to the request that was sent again."""
        for one in self._used:
            one.settle(helped=status not in one.refresh_on)

    def _particular(self, reference: Reference) -> bytes | None:
        """The value for this very secret: learnt, or given by its hash."""
        learnt = self._credentials.learnt(reference.digest)
        if learnt is not None:
            return learnt
        given = self._credentials.given.get((reference.name, reference.digest))
        return None if given is None else self._use(given).values.get("")

    def _general(self, reference: Reference) -> bytes | None:
        """The value given for every secret of that name."""
        given = self._credentials.given.get((reference.name, ""))
        return None if given is None else self._use(given).values.get("")

    def _whole(self, reference: Reference) -> bytes | None:
        """What is configured for it: the value of the header."""
        label = normal(reference.name)
        for material in self._materials(reference):
            if label in material.headers:
                return material.headers[label]
            if label in material.values:
                return material.values[label]
        return None

    def _cookies(self, value: bytes, references: list[Reference]) -> tuple[bytes, list[Reference]]:
        """Each cookie on its own. One value for all cookies is the whole header, unless some of them were learnt;
        cookies that whoever gives cookies does not give are left out."""
        known = {one: secret for one in references if (secret := self._particular(one)) is not None}
        others = [one for one in references if one not in known]
        if not others:
            return _filled(value, known), []
        general = self._general(others[0])
        whole = general if general is not None else self._whole(others[0])
        if whole is not None and not known:
            return whole, []
        jar = _pairs(whole or b"")
        for one in others:
            for material in self._materials(one):
                jar = {**material.cookies, **jar}
        if not jar:
            return _filled(value, known), others
        pieces = []
        for piece in value.split(b";"):
            name, equals, content = piece.partition(b"=")
            unknown = [one for one in others if one.text in piece]
            if not unknown:
                pieces.append(_filled(piece, known))
            elif equals and name.strip() in jar:
                pieces.append(name + equals + content.replace(unknown[0].text, jar[name.strip()]))
        return b";".join(pieces).strip(), []

    def _materials(self, reference: Reference) -> list[Material]:
        """What is configured for it in this request, the first that fits: a list of one or none."""
        for one in self._credentials.configured:
            if one.is_for(reference, self._path):
                return [self._use(one.renewable)]
        return []

    def _use(self, renewable: Renewable) -> Material:
        generation, material = renewable.current()
        self._used.setdefault(renewable, generation)
        return material


def _filled(value: bytes, known: dict[Reference, bytes]) -> bytes:
    for reference, secret in known.items():
        value = value.replace(reference.text, secret)
    return value


def _pairs(header: bytes) -> dict[bytes, bytes]:
    """The cookies of a `Cookie` header by name."""
    found = {}
    for piece in header.split(b";"):
        name, equals, value = piece.strip().partition(b"=")
        if equals:
            found[name] = value
    return found


def _put(value: bytes, reference: bytes, secret: bytes) -> bytes:
    """Redaction keeps the scheme, `Bearer {{secret:…}}`; a secret that brings its own does not double it."""
    scheme = value.partition(reference)[0]
    if scheme.strip() and secret.lower().startswith(scheme.lower()):
        secret = secret[len(scheme) :]
    return value.replace(reference, secret)
