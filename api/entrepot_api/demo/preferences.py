"""The store of preferences: Kinto, a product of somebody else's (https://docs.kinto-storage.org), all in memory.

Its memory backend makes losing everything as plain as it can be: the process ends. Run as
`python -m entrepot_api.demo.preferences [PORT]`.
"""

import sys
import warnings

from .service import announce


def main() -> None:
    warnings.simplefilter("ignore")  # of its own dependencies, about each other
    import kinto  # type: ignore[import-untyped]  # publishes no types
    import waitress  # type: ignore[import-untyped]  # publishes no types

    application = kinto.main(
        {},
        **{
            "multiauth.policies": "basicauth",
            # Owners are written into permissions as a hash with this secret: it is configuration, kept over a loss.
            "kinto.userid_hmac_secret": "demo",
            "kinto.storage_backend": "kinto.core.storage.memory",
            "kinto.permission_backend": "kinto.core.permission.memory",
            "kinto.cache_backend": "kinto.core.cache.memory",
        },
    )
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    server = waitress.create_server(application, host="127.0.0.1", port=port, threads=4)
    announce(server.effective_port)
    server.run()


if __name__ == "__main__":
    main()
