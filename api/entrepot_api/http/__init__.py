"""The HTTP API under `/v1`, described in `docs/reference/http.md`.

`app.create_app` puts it together: `services` is what endpoints work with, `auth` who may call them, `strict` what they
refuse, `problems` how errors look. One module per resource holds its `router`; `app.ROUTERS` lists them.
"""

from .app import create_app
from .services import Services

__all__ = ["Services", "create_app"]
