"""Which objects a selector names and, when it names none, what was probably meant. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from shoal.model.choice import nearest
from shoal.model.manifests import Manifest
from shoal.model.overrides import ObjectSelector

_PARTS = ("kind", "group", "namespace", "name")


def selects(selector: ObjectSelector, manifest: Manifest) -> bool:
    """Whether all given parts of the selector hold for an object."""
    return selector.speaks_of(manifest.key, lambda: manifest.labels)


def described(selector: ObjectSelector) -> str:
    """The selector in words; names only, the values of labels are left out."""
    given = selector.model_dump(mode="json", exclude_none=True, exclude={"label_selector"})
    parts = [f"{key} {value or 'core'}" for key, value in given.items()]
    if selector.label_selector is not None:
        parts.append("labelSelector")
    return f"({', '.join(parts)})" if parts else "(any object)"


def meant(selector: ObjectSelector, manifests: Sequence[Manifest]) -> str:
    """`, did you mean kind Service?` by the first part that no object has; empty: no near one."""
    return _near(selector, manifests) or _inside_a_list(manifests)


def _inside_a_list(manifests: Sequence[Manifest]) -> str:
    """An object that holds objects is one object until it is applied."""
    lists = [each for each in manifests if each.key.group == "" and each.key.kind == "List"]
    if not lists:
        return ""
    return f" (what stands inside the List of {lists[0].origin} is not selected by itself)"


def _near(selector: ObjectSelector, manifests: Sequence[Manifest]) -> str:
    left = manifests
    for part in _PARTS:
        wanted: str | None = getattr(selector, part)
        if wanted is None:
            continue
        fitting = [each for each in left if getattr(each.key, part) == wanted]
        if not fitting:
            near = nearest(wanted, sorted({getattr(each.key, part) for each in left}))
            return f", did you mean {part} {near}?" if near else ""
        left = fitting
    return ""
