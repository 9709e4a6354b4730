"""Which secrets a document names, wherever a plugin's part or our own has a `secretRef`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from shoal.model.choice import Choice
from shoal.model.documents import AnyDocument
from shoal.model.identity import Ref
from shoal.model.secret_refs import SecretRef


def named_secrets(documents: Iterable[AnyDocument]) -> Mapping[Ref, tuple[str, ...]]:
    """Secret → the documents that name it, such as `Source default/apps`."""
    found: dict[Ref, list[str]] = {}
    for document in documents:
        namespace = str(getattr(document.metadata, "namespace", "default"))
        for name in dict.fromkeys(_names_in(document)):
            who = f"{document.kind} {namespace}/{document.metadata.name}"
            found.setdefault(Ref(namespace, name), []).append(who)
    return {ref: tuple(who) for ref, who in sorted(found.items())}


def _names_in(value: Any) -> Iterator[str]:
    match value:
        case SecretRef():
            yield value.name
        case Choice():
            yield from _names_in(value.spec)
        case BaseModel():
            for name in type(value).model_fields:
                yield from _names_in(getattr(value, name))
        case dict():
            for each in value.values():
                yield from _names_in(each)
        case list() | tuple():
            for each in value:
                yield from _names_in(each)
