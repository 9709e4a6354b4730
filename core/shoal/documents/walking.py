"""Follows the path of a validation error through the models, and through what was written.

pydantic says where an error is as steps (`spec`, `overrides`, 0). To say what was expected there,
the field and its model are needed; to say it where people look, steps that nobody wrote must go:
the `choice` of a `Chooser` is one.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from shoal.model.choice import CHOICE, Chooser
from shoal.model.yaml import Path


@dataclass(frozen=True, slots=True)
class Place:
    """Where an error is: the path as written, the field there and the model that has the field.

    `is_chosen`: the error is about the plugin's key of a `Chooser`; `path` is then that of the
    mapping which should have the key. `field` and `owner` are None below what models describe.
    """

    path: Path
    field: FieldInfo | None
    owner: type[BaseModel] | None
    is_chosen: bool = False


def walk(model: type[BaseModel], steps: Sequence[str | int]) -> Place:
    """Follow the steps of an error from the root of a model."""
    path: Path = ()
    current: Any = model
    field: FieldInfo | None = None
    owner: type[BaseModel] | None = None
    is_chosen = False
    for step in steps:
        owner, field = (current, None) if is_model(current) else (None, None)
        is_chosen = step == CHOICE and owner is not None and issubclass(owner, Chooser)
        if owner is not None:
            field = fields_of(owner).get(str(step))
        current = _below(current, field)
        if not is_chosen:
            path = (*path, step)
    return Place(path, field, owner, is_chosen)


def fields_of(model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """The fields of a model by the names that people write."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def written_names(model: type[BaseModel]) -> list[str]:
    """The names that people may write in a part, without those of plugins."""
    hidden = {CHOICE} if issubclass(model, Chooser) else set()
    return [name for name in fields_of(model) if name not in hidden]


def value_at(value: Any, path: Path) -> Any:
    """What was written at a path; None where nothing was."""
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def show(path: Path) -> str:
    """A path as people write it: `spec.overrides[0].patches[1].op`."""
    text = ""
    for step in path:
        if isinstance(step, int) or not step.replace("-", "").replace("_", "").isalnum():
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def _below(annotation: Any, field: FieldInfo | None) -> Any:
    if field is not None:
        return _bare(field.annotation)
    arguments = get_args(annotation)
    if not arguments:
        return None
    # A mapping's values are its last argument, as are the items of `tuple[X, ...]` and `list[X]`.
    return _bare(next(each for each in reversed(arguments) if each is not Ellipsis))


def _bare(annotation: Any) -> Any:
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        parts = [each for each in get_args(annotation) if each is not type(None)]
        return _bare(parts[0]) if len(parts) == 1 else None
    return annotation


def is_model(annotation: Any) -> bool:
    """Whether this is a model of ours, which has fields."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
