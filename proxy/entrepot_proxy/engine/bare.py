"""Lets single addons of mitmproxy be imported without all the others.

`mitmproxy.addons` imports every addon there is, and with them Flask, LDAP, YAML and a parser generator: two thirds of
the time and a third of the memory of a process that needs five of them. Imported before anything of mitmproxy, this
module puts an empty package in that place; its modules are then found by their own names as usual. In a process that
has loaded the real package already (a stock mitmproxy) nothing is changed.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

PACKAGE = "mitmproxy.addons"


def _put_empty_package() -> None:
    mitmproxy = importlib.util.find_spec("mitmproxy")
    if PACKAGE in sys.modules or mitmproxy is None or mitmproxy.submodule_search_locations is None:
        return
    empty = ModuleType(PACKAGE, "Empty on purpose: see entrepot_proxy.engine.bare.")
    empty.__path__ = [str(Path(folder) / "addons") for folder in mitmproxy.submodule_search_locations]
    sys.modules[PACKAGE] = empty


_put_empty_package()
