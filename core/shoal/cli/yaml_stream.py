"""Objects as a YAML stream that `kubectl apply -f -` reads as exactly these objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shoal.cli.phrasing import clean
from shoal.documents.yaml_writing import dumped


def stream(bodies: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """Each object as a document that begins with `---`."""
    for body in bodies:
        text = dumped(body)
        if clean(text, keep_lines=True) != text:  # it would steer a terminal: escaped then
            text = dumped(body, allow_unicode=False)
        yield f"---\n{text}"
