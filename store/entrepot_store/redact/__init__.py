"""Redaction: secrets leave an exchange before it touches a disk, and references take their places.

`key` is the key of an installation, `reference` what stands for a secret, `cookies`, `urls` and `sigv4` know where
secrets are within a value, `redactor` does it to the headers and the path of an exchange: on the capture path, for
every exchange.

Bodies are looked into where a rule asks for it. `body_rules` is what it asks, `body_redactor` does it with the help of
`json_spans`, `form_spans`, `patterns` and `spans`, in a process of its own that `process` minds, and `exchange` puts
what comes of it into an exchange.
"""

from .body_redactor import TOO_LONG
from .body_rules import BodyRules, content_type_of, is_looked_into
from .exchange import Redact, redact_bodies
from .job import Job, Result
from .key import load_key
from .process import RedactionFailed, RedactionProcess
from .redactor import Redactor
from .reference import Reference, find_references, reference_for

__all__ = [
    "TOO_LONG",
    "BodyRules",
    "Job",
    "Redact",
    "RedactionFailed",
    "RedactionProcess",
    "Redactor",
    "Reference",
    "Result",
    "content_type_of",
    "find_references",
    "is_looked_into",
    "load_key",
    "redact_bodies",
    "reference_for",
]
