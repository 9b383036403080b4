"""A credential that can be made anew while a run goes on: once for all the steps that need it, and never in a loop."""

import threading
import time
from collections.abc import Callable, Collection

from entrepot_store.errors import EntrepotError

from ..errors import NotSent, Unsendable
from .material import Material

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 60.0
"""Seconds before it is tried again after it could not be made, or did not help; doubled each time."""


class Renewable:
    """One credential of one run. Safe to share between threads: one makes it, the others wait for that.

    `make` may raise BadInput, and, if it asks a server, NotSent (the server is away) or Unsendable (it refused).
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], Material],
        refresh_on: Collection[int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.refresh_on = frozenset(refresh_on)
        self._make = make
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._material: Material | None = None
        self._generation = 0
        self._setbacks = 0
        self._not_before = 0.0
        self._refusal = ""
        self.renewals = 0
        """How often it was made anew."""
        self.trouble = ""
        """Why it could not be made anew the last time; empty if it could."""

    def current(self) -> tuple[int, Material]:
        """What it gives now, and which making of it that is; made if it was not yet, or if it has expired."""
        with self._lock:
            material = self._material
            if material is None or (material.expires is not None and self._monotonic() >= material.expires):
                if self._refusal and self._monotonic() < self._not_before:
                    raise Unsendable(self._refusal)
                again = material is not None
                material = self._made()
                self.renewals += again
            return self._generation, material

    def renew(self, generation: int) -> bool:
        """Makes it anew because what `generation` gave was refused. Whether there is something else now.

        False as well while it pauses, because making it anew did not help before, and if it could not be made.
        """
        with self._lock:
            if generation != self._generation:
                return True  # somebody else was first
            if self._monotonic() < self._not_before:
                return False
            before = self._material
            try:
                material = self._made()
            except (EntrepotError, NotSent, Unsendable) as error:
                self._set_back(str(error))
                return False
            if material == before:
                self._set_back("making it anew gave what was refused")
                return False
            self.renewals += 1
            return True

    def settle(self, *, helped: bool) -> None:
        """Says whether a request that was sent again with it was accepted."""
        with self._lock:
            if helped:
                self._setbacks, self._not_before, self.trouble = 0, 0.0, ""
            else:
                self._set_back("what was made anew was refused too")

    def _made(self) -> Material:
        try:
            made = self._make()
        except Unsendable as error:
            self._set_back(str(error))
            self._refusal = str(error)
            raise
        self._refusal = ""
        if made != self._material:
            self._generation += 1
        self._material = made
        return made

    def _set_back(self, why: str) -> None:
        pause = min(FIRST_PAUSE * 2**self._setbacks, LONGEST_PAUSE)
        self._setbacks += 1
        self._not_before = self._monotonic() + pause
        self.trouble = why
