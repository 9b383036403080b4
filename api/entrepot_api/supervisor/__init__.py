"""`entrepot up`: one supervisor process and its children, the proxy, the shipper and the API.

| file | knows |
|---|---|
| `folder` | the data folder: its rights and its one owner |
| `checks` | what must hold before anything is started |
| `token_file` | the API token that `up` hands out |
| `parts` | the command line of each part, and when it accepts connections |
| `child` | one process: start, output, end |
| `backoff` | how long to wait before a part that died is started again |
| `supervisor` | the loop: start, watch, restart, drain |
| `ready` | `ready.json`, how other programs find what runs here |
| `leash` | the child's side: ends it when its supervisor is gone |

Neighbours: `entrepot_api.cli.up` is its command line, `entrepot_api.status` reads what it writes.
"""

from .checks import check_addresses, check_storage
from .folder import DataFolder
from .leash import hold_leash
from .ready import Ready, read_ready
from .supervisor import Supervisor

__all__ = [
    "DataFolder",
    "Ready",
    "Supervisor",
    "check_addresses",
    "check_storage",
    "hold_leash",
    "read_ready",
]
