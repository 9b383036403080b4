"""What Entrepot keeps: the model, configuration, spool, segments, vault, catalog and the shipper between them.

Knows neither mitmproxy nor FastAPI. `entrepot_proxy` writes into it, `entrepot_replay` and `entrepot_api` read from it.
"""
