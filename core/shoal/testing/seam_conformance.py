"""What the suites of all seams share: how a plugin is called, and what holds at every seam.

A suite is a class with tests; an author subclasses it and gives fixtures. They are asynchronous:
pytest-asyncio with `asyncio_mode = "auto"` runs them. The suites are in `source_conformance`,
`renderer_conformance`, `access_conformance`, `gate_conformance`, `health_conformance`,
`notifier_conformance` and `target_conformance`; `docs/how-to/write-a-plugin.md` shows them in use.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import anyio
import pytest
from pydantic import ValidationError

from shoal.errors import ShoalError
from shoal.hooks.host import Host
from shoal.model.choice import Spec
from shoal.testing.watched_calls import Noted, watched

T = TypeVar("T")
Secrets = Mapping[str, Mapping[str, bytes]]
SOON_SECONDS = 5.0
"""A call that is cancelled has ended by then; one that sleeps on has not."""
_KEY = re.compile(r"[a-z][A-Za-z0-9]*")


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls one plugin as the engine would, and looks at what no answer shows."""

    plugin: Any
    host: Host
    secrets: Secrets
    noted: Noted = field(default_factory=Noted)

    async def ask(self, call: Callable[[], Awaitable[T]]) -> T:
        """What the call gives; nothing of it shows a secret, neither does an error."""
        try:
            answer = await watched(
                call, plugin=self.plugin, cache_folder=self.host.cache_folder, noted=self.noted
            )
        except ShoalError as error:
            self.check_is_said(error)
            raise
        self.check_hides(repr(answer))
        return answer

    async def cancel(self, call: Callable[[], Awaitable[object]]) -> None:
        """Cancel the call after some steps of it; it ends, and raises nothing of its own."""
        for steps in (0, 1, 5, 50):
            scope = anyio.CancelScope()
            task = asyncio.ensure_future(_within(scope, call))
            for _ in range(steps):
                await asyncio.sleep(0)
            scope.cancel()
            with anyio.move_on_after(SOON_SECONDS):
                await asyncio.wait((task,))
            assert task.done(), f"it did not end within {SOON_SECONDS:g} s of being cancelled"
            error = task.exception()
            assert error is None, f"cancelled, it raised {error!r} instead of CancelledError"

    def check_is_said(self, error: ShoalError) -> None:
        """An error is one sentence that a person can read, and holds no secret."""
        assert error.message, f"{type(error).__name__} says nothing"
        assert "\n" not in error.message, f"an error is one sentence: {error.message!r}"
        self.check_hides(str(error))

    def check_hides(self, text: str) -> None:
        """No value of a secret stands in this text."""
        for name, keys in self.secrets.items():
            for key, value in keys.items():
                is_shown = value.decode(errors="replace").strip() in text
                assert not (value.strip() and is_shown), f"it shows {key} of the secret {name}"


async def _within(scope: anyio.CancelScope, call: Callable[[], Awaitable[object]]) -> None:
    with scope:
        await call()


class SeamConformance:
    """What every suite has: the host, and what it may be given."""

    @pytest.fixture
    def secrets(self) -> Secrets:
        """What `host.secrets` gives: `{"default/forge": {"token": b"…"}}`; shown nowhere."""
        return {}

    @pytest.fixture
    def host(self, shoal_host: Callable[..., Host], secrets: Secrets) -> Host:
        """The host that the plugin is lent."""
        return shoal_host(secrets=secrets)


def check_name(name: object) -> None:
    """A name is a key of documents, beside others in camelCase."""
    assert isinstance(name, str), f"the name is {name!r}, and no text"
    assert _KEY.fullmatch(name), f"{name!r} is no key of a document, such as git or ociImage"


def check_spec(spec: object) -> None:
    """A model of a part of a document: strict, frozen, and described for those who write it."""
    assert isinstance(spec, type), f"spec is {spec!r}, and no class"
    assert issubclass(spec, Spec), f"{spec.__name__} is no subclass of shoal.model.choice.Spec"
    assert (spec.__doc__ or "").strip(), f"{spec.__name__} has no docstring for the reference"
    assert spec.model_config.get("frozen"), f"{spec.__name__} can be changed"
    for name, field_info in spec.model_fields.items():
        assert field_info.description, f"{spec.__name__}.{name} has no description"
    with pytest.raises(ValidationError, match=r"noSuchField|extra"):
        spec.model_validate({"noSuchField": 1})
    assert spec.model_json_schema(mode="validation")["type"] == "object"


def read_spec(spec: type[Spec], written: Mapping[str, Any]) -> Any:
    """What people write, as documents are read; and it can be written as it was read."""
    read = spec.model_validate(dict(written), by_alias=True, by_name=False)
    again = read.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    assert spec.model_validate(again, by_alias=True, by_name=False) == read
    return read
