"""Finds the adapter that `--controller MODULE:CLASS` names, or says why there is none."""

from __future__ import annotations

import importlib
import inspect
from typing import cast

from bench.adapters import Adapter, Offer
from bench.scene import FLOOR_USER, STRANGER

_REQUIRED = ("pids", "start", "stop", "announce", "until_seen")


class AdapterError(Exception):
    """What was named is no adapter; the message says why."""


def load_adapter(name: str) -> type[Adapter]:
    """The class behind MODULE:CLASS. Raises AdapterError; what the module itself raises is kept."""
    module_name, colon, class_name = name.partition(":")
    if not (module_name and colon and class_name):
        raise AdapterError(f"{name!r} is not MODULE:CLASS, as in bench.controller:Controller")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise AdapterError(f"{name}: {error}; it is looked for on PYTHONPATH and here") from error
    found = getattr(module, class_name, None)
    if not inspect.isclass(found):
        raise AdapterError(f"{name}: the module {module_name} has no class {class_name}")
    problems = _problems(found)
    if problems:
        raise AdapterError(f"{name} is no adapter: {'; '.join(problems)} (see bench/adapters.py)")
    return cast("type[Adapter]", found)


def _problems(found: type) -> list[str]:
    """What an adapter has and this class has not."""
    problems = [
        f"it has no {each}"
        for each in _REQUIRED
        if getattr(found, each, None) in (None, getattr(Adapter, each))
    ]
    user, offers = getattr(found, "user", None), getattr(found, "offers", None)
    if not isinstance(user, str) or not user:
        problems.append("its user is not a name")
    elif user in (FLOOR_USER, STRANGER):
        problems.append(f"its user {user} is somebody else in the audit logs")
    if not isinstance(offers, frozenset) or not all(isinstance(one, Offer) for one in offers):
        problems.append("its offers are not a frozenset of Offer")
    return problems
