"""An object as it may be shown: every value of a Secret replaced, wherever in it the Secret stands.

`shoal render` prints whole objects, and so does nothing else; patches have `patching`. What stands
for a value is no base64 and stands below `data`, where an API server refuses it: nobody overwrites
a password with its mask.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shoal.engine.patching import MASK

_HIDDEN = ("data", "stringData")


def masked(value: Any) -> Any:
    """The object, or list of objects, with the values of Secrets replaced; the rest is as it is."""
    if isinstance(value, list):
        return [masked(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    kind = value.get("kind") if value.get("apiVersion") == "v1" else None
    if kind == "Secret":
        return _masked_secret(value)
    if kind == "SecretList" and isinstance(value.get("items"), list):  # its items need no kind
        return {**value, "items": [_masked_secret(each) for each in value["items"]]}
    return {key: masked(part) for key, part in value.items()}


def _masked_secret(body: Any) -> Any:
    if not isinstance(body, Mapping):
        return MASK
    hidden = [_replaced(body[key]) for key in _HIDDEN if key in body]
    shown = {key: _masked_part(key, part) for key, part in body.items() if key not in _HIDDEN}
    if not hidden:
        return shown
    is_whole = all(isinstance(part, Mapping) for part in hidden)
    return {
        **shown,
        "data": {k: v for part in hidden for k, v in part.items()} if is_whole else MASK,
    }


def _masked_part(key: str, part: Any) -> Any:
    if key == "metadata" and isinstance(part, Mapping):
        # Tools keep a copy of the whole object in an annotation.
        return {name: _replaced(v) if name == "annotations" else v for name, v in part.items()}
    return part


def _replaced(values: Any) -> Any:
    return dict.fromkeys(values, MASK) if isinstance(values, Mapping) else MASK
