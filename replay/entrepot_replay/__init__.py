"""Replay: sends captured requests to a target, compares the answers, and keeps what came of each.

`selection` and `planner` decide what is sent, `guard` refuses the wrong target, `summary` is what people read first.
`schedule` says which step may go, `executor` runs them under a `lease`, `attempt` does one: `outgoing` builds the
request (through `mapper` and `credentials`; hashes over it are `digests`, Amazon's framing `aws_chunked`), `sender`
sends it, by `renewing` once more if a credential had run out, `compare` judges the answer. `report` tells how it
ended. `service` is what command line and HTTP call. State lives in `entrepot_store.catalog.replays`.
"""
