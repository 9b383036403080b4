"""`entrepot run`: a program started so that its HTTP traffic goes through the proxy and is captured.

`variables` says what its environment gets, `ca_bundle` which certificates it trusts, `execute` runs it.
"""

from .ca_bundle import write_bundle
from .execute import execute
from .variables import proxy_url_of, variables

__all__ = ["execute", "proxy_url_of", "variables", "write_bundle"]
