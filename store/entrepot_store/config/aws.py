"""The AWS_* variables that every S3 tool reads, for what `[s3]` leaves open."""

import os
from collections.abc import Mapping
from typing import Any

_PLACE = {"endpoint": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"), "region": ("AWS_REGION", "AWS_DEFAULT_REGION")}
_KEYS = {
    "access_key": ("AWS_ACCESS_KEY_ID",),
    "secret_key": ("AWS_SECRET_ACCESS_KEY",),
    "session_token": ("AWS_SESSION_TOKEN",),
}


def aws_fallback(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What to add to raw settings whose vault is in S3; nothing for any other vault.

    Keys are taken as a set or not at all: half a pair of ours with half of somebody else's would be refused by the
    server, and nobody would see why.
    """
    given = settings.get("s3") or {}
    if not str(settings.get("vault") or "").startswith("s3://") or not isinstance(given, Mapping):
        return {}
    names = _PLACE if any(given.get(key) for key in _KEYS) else _PLACE | _KEYS
    found = {}
    for key, candidates in names.items():
        value = next((os.environ[name] for name in candidates if os.environ.get(name)), None)
        if value and not given.get(key):
            found[key] = value
    return {"s3": found} if found else {}
