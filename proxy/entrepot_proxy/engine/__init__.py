"""The lean engine: mitmproxy's proxy core without mitmproxy's shell. The only place that reaches behind its addon API.

mitmproxy is a library by courtesy: `Master`, the addon manager and the connection handler may change with any release.
Everything that depends on them is in this package, and `tests/integration/test_proxy_engine_contract.py` boots it on
every mitmproxy we allow. The capture addon itself uses the documented hooks only and loads into a stock mitmproxy.
"""

from . import bare  # isort: skip # before anything of mitmproxy is imported
from .dispatch import HookTable
from .listeners import Listener
from .master import Engine

__all__ = ["Engine", "HookTable", "Listener", "bare"]
