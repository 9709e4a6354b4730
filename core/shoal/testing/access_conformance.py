"""What every way of access must do, as tests: subclass `AccessConformance` and give it fixtures.

    class TestMine(AccessConformance):
        @pytest.fixture
        def access(self):
            return MyAccess()

        @pytest.fixture
        def spec(self, host):                # as people write it; `host` has folders to fill
            return {"name": "prod"}

        @pytest.fixture
        def missing(self):                   # names something that is not there
            return {"name": "nowhere"}

        @pytest.fixture
        def secrets(self):                   # what is shown nowhere
            return {"default/prod": {"token": b"…"}}

`host` may be given too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from shoal.engine import answers
from shoal.errors import AccessDenied, InvalidDocument
from shoal.hooks.access import AccessType
from shoal.hooks.host import Host
from shoal.model.endpoints import Credential, Endpoint
from shoal.testing.seam_conformance import (
    Caller,
    SeamConformance,
    Secrets,
    check_name,
    check_spec,
    read_spec,
)

Written = Mapping[str, Any]


class Reaching(Caller):
    """Asks how a cluster is reached."""

    async def connect(self, written: Written) -> Endpoint:
        """As the engine does; the answer is one that it takes."""
        spec = read_spec(self.plugin.spec, written)
        return answers.endpoint(await self.ask(lambda: self.plugin.connect(spec, self.host)))

    async def credential(self, endpoint: Endpoint) -> Credential:
        """The credential of now."""
        return answers.credential(await self.ask(endpoint.credential))


class AccessConformance(SeamConformance):
    """The suite; every test is a promise of `AccessType` and of the Endpoint that it gives."""

    @pytest.fixture
    def reaching(self, access: AccessType[Any], host: Host, secrets: Secrets) -> Reaching:
        """Asks the access under test."""
        return Reaching(access, host, secrets)

    def test_its_name_and_spec_fit_documents(self, access: AccessType[Any]) -> None:
        """A key, and a model that is strict and described."""
        check_name(access.name)
        check_spec(access.spec)

    async def test_it_says_where_the_server_is_and_calls_nobody(
        self, reaching: Reaching, spec: Written
    ) -> None:
        """An address by https (or of this machine), found without one connection."""
        endpoint = await reaching.connect(spec)

        assert endpoint.server.startswith(("https://", "http://127.0.0.1", "http://localhost"))
        assert reaching.noted.connected == []

    async def test_a_credential_is_given_each_time_and_shown_never(
        self, reaching: Reaching, spec: Written
    ) -> None:
        """At most one of its two forms is set, and its printed form hides it."""
        endpoint = await reaching.connect(spec)
        first, again = [await reaching.credential(endpoint) for _ in range(2)]

        assert not (first.token and first.client_certificate_file)
        assert first.token == again.token or first.renews_itself

    async def test_what_is_not_there_is_named(self, reaching: Reaching, missing: Written) -> None:
        """InvalidDocument, or AccessDenied where it is the credential that is missing."""
        with pytest.raises((InvalidDocument, AccessDenied)):
            await reaching.credential(await reaching.connect(missing))

    async def test_what_is_cancelled_ends_and_the_next_call_works(
        self, reaching: Reaching, spec: Written
    ) -> None:
        """Both the address and the credential."""
        await reaching.cancel(lambda: reaching.connect(spec))
        endpoint = await reaching.connect(spec)
        await reaching.cancel(lambda: reaching.credential(endpoint))

        assert await reaching.credential(endpoint) is not None
