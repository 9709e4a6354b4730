"""The corpus: what API servers of each version really answered, kept as JSON beside this file.

What differs from run to run (names, addresses, uids) is put into one form, so that an answer of
today can be compared with the one that was recorded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from tests.kubernetes.refusals.ground import RECORDED_NAMESPACE

from shoal_clusters.controlplane.client import AnsweredError

FOLDER = Path(__file__).parent
Recorded = Mapping[str, Any]

_VARYING = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "00000000-0000-4000-8000-00000000"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:1"),
    (re.compile(r"(?<=the ResourceVersion in record \()\d+"), "2"),
    (re.compile(r"x{100,}"), "xxx"),
    # The clock, in the words of a certificate that is not trusted.
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "2026-01-01T00:00:00Z"),
)


def recorded_versions() -> list[str]:
    """The minor versions that answers were recorded of."""
    return sorted(path.stem.removeprefix("recorded-") for path in FOLDER.glob("recorded-*.json"))


def read_recorded(minor: str) -> Recorded:
    """`kubernetes`, the exact version, and `answers`, by the name of their refusal."""
    path = _path(minor)
    return orjson.loads(path.read_bytes()) if path.exists() else {"kubernetes": "", "answers": {}}


def record(kubernetes: str, name: str, answer: Mapping[str, Any]) -> None:
    """Keep an answer, in the place of an older one."""
    minor = minor_of(kubernetes)
    answers = {**read_recorded(minor)["answers"], name: answer}
    document = {"kubernetes": kubernetes, "answers": dict(sorted(answers.items()))}
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    _path(minor).write_bytes(orjson.dumps(document, option=options))


def minor_of(kubernetes: str) -> str:
    """`v1.37.2` → `1.37`."""
    return ".".join(kubernetes.removeprefix("v").split(".")[:2])


def in_one_form(error: AnsweredError, namespace: str) -> dict[str, Any]:
    """An answer as it is recorded: its code, its header, and its body."""
    text = error.body.decode().replace(f"no-{namespace}", RECORDED_NAMESPACE)
    text = text.replace(namespace, RECORDED_NAMESPACE)
    for pattern, instead in _VARYING:
        text = pattern.sub(instead, text)
    try:
        body: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        body = text
    return {"code": error.code, "retry_after": error.retry_after, "body": body}


def body_of(answer: Mapping[str, Any]) -> bytes:
    """The body of a recorded answer, as it was sent."""
    body = answer["body"]
    return body.encode() if isinstance(body, str) else orjson.dumps(body)


def _path(minor: str) -> Path:
    return FOLDER / f"recorded-{minor}.json"
