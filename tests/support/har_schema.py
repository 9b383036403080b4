"""HAR 1.2 as a JSON schema, written from the specification (http://www.softwareishard.com/blog/har-12-spec/).

Custom fields must begin with an underscore; so every object refuses any other name that the specification lacks.
"""

from typing import Any


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": required | (optional or {}) | {"comment": {"type": "string"}},
        "required": list(required),
        "patternProperties": {"^_": {}},
        "additionalProperties": False,
    }


_TEXT = {"type": "string"}
_SIZE = {"type": "integer", "minimum": -1}
_TIME = {"type": "number", "minimum": -1}
_MOMENT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"}
_PAIRS = {"type": "array", "items": _object({"name": _TEXT, "value": _TEXT})}
_COOKIES = {
    "type": "array",
    "items": _object(
        {"name": _TEXT, "value": _TEXT},
        {
            "path": _TEXT,
            "domain": _TEXT,
            "expires": _MOMENT,
            "httpOnly": {"type": "boolean"},
            "secure": {"type": "boolean"},
        },
    ),
}
_POST_DATA = _object(
    {
        "mimeType": _TEXT,
        "params": {
            "type": "array",
            "items": _object({"name": _TEXT}, {"value": _TEXT, "fileName": _TEXT, "contentType": _TEXT}),
        },
        "text": _TEXT,
    }
)
_REQUEST = _object(
    {
        "method": _TEXT,
        "url": _TEXT,
        "httpVersion": _TEXT,
        "cookies": _COOKIES,
        "headers": _PAIRS,
        "queryString": _PAIRS,
        "headersSize": _SIZE,
        "bodySize": _SIZE,
    },
    {"postData": _POST_DATA},
)
_RESPONSE = _object(
    {
        "status": {"type": "integer"},
        "statusText": _TEXT,
        "httpVersion": _TEXT,
        "cookies": _COOKIES,
        "headers": _PAIRS,
        "content": _object(
            {"size": {"type": "integer", "minimum": 0}, "mimeType": _TEXT},
            {"compression": {"type": "integer"}, "text": _TEXT, "encoding": {"const": "base64"}},
        ),
        "redirectURL": _TEXT,
        "headersSize": _SIZE,
        "bodySize": _SIZE,
    }
)
_ENTRY = _object(
    {
        "startedDateTime": _MOMENT,
        "time": {"type": "number", "minimum": 0},
        "request": _REQUEST,
        "response": _RESPONSE,
        "cache": {"type": "object"},
        "timings": _object(
            {"send": _TIME, "wait": _TIME, "receive": _TIME},
            {"blocked": _TIME, "dns": _TIME, "connect": _TIME, "ssl": _TIME},
        ),
    },
    {"pageref": _TEXT, "serverIPAddress": _TEXT, "connection": _TEXT},
)
_TOOL = _object({"name": _TEXT, "version": _TEXT})

HAR_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **_object(
        {
            "log": _object(
                {"version": {"const": "1.2"}, "creator": _TOOL, "entries": {"type": "array", "items": _ENTRY}},
                {"browser": _TOOL, "pages": {"type": "array"}},
            )
        }
    ),
}
