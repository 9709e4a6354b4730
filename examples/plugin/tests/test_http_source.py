"""The source `http`: what Shoal asks of every source, and what is its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from shoal.errors import (
    AccessDenied,
    HttpFailed,
    InvalidSource,
    ShoalError,
    UntrustedRevision,
)
from shoal.model.identity import Ref
from shoal.testing.source_conformance import SourceConformance
from shoal_example.http_source import HttpSource, HttpSpec

PATH = "/v1/install.yaml"


class TestHttpSource(SourceConformance):
    """The promises of every source."""

    @pytest.fixture
    def source(self) -> HttpSource:
        return HttpSource()

    @pytest.fixture
    def secrets(self) -> Mapping[str, Mapping[str, bytes]]:
        return {"default/forge": {"token": b"canary-5f1d"}, "default/odd": {"token": b"ab\ncd"}}

    @pytest.fixture
    def spec(self, server) -> Mapping[str, Any]:
        server.files[PATH] = b"a: 1\n"
        return {"url": f"{server.url}{PATH}"}

    @pytest.fixture
    def move(self, server) -> Callable[[], Awaitable[None]]:
        async def move() -> None:
            server.files[PATH] = b"a: 2\n"

        return move

    @pytest.fixture
    def missing(self, server) -> Mapping[str, Any]:
        return {"url": f"{server.url}/nowhere.yaml"}

    async def test_a_token_is_sent_where_it_is_asked_for(self, fetching, server, spec) -> None:
        """And whoever sends none is refused, which is no empty source either."""
        server.token = "canary-5f1d"
        found = await fetching.fetch(
            {**spec, "secretRef": {"name": "forge"}}, source=Ref("default", "a")
        )

        assert await found.tree.read("install.yaml") == b"a: 1\n"
        with pytest.raises(AccessDenied, match="status 401"):
            await fetching.fetch(spec)

    @pytest.mark.parametrize("secret", ["odd", "nowhere"])
    async def test_a_secret_without_a_token_is_named(self, fetching, spec, secret: str) -> None:
        """And what it holds is not."""
        with pytest.raises(AccessDenied, match=f"default/{secret}"):
            await fetching.fetch(
                {**spec, "secretRef": {"name": secret}}, source=Ref("default", "a")
            )

    async def test_content_with_another_digest_is_not_taken(self, fetching, spec) -> None:
        """The digest that is there is named, for whoever wants to trust it."""
        revision = (await fetching.fetch(spec)).revision

        assert (await fetching.fetch({**spec, "sha256": revision})).revision == revision
        with pytest.raises(UntrustedRevision, match=f"is {revision}, and 0000"):
            await fetching.fetch({**spec, "sha256": "0" * 64})

    @pytest.mark.parametrize(
        ("status", "error"), [(301, InvalidSource), (403, AccessDenied), (503, HttpFailed)]
    )
    async def test_a_status_says_whether_to_try_again(
        self, fetching, server, spec, status: int, error: type[ShoalError]
    ) -> None:
        """Busy is tried again; what has moved waits for a person."""
        server.status = status

        with pytest.raises(error, match=f"status {status}"):
            await fetching.fetch(spec)


@pytest.mark.parametrize(
    "url", ["https://host", "https://host/", "ftp://host/a", "https://li:pw@h/a"]
)
def test_an_address_that_is_no_file_is_refused_in_the_document(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        HttpSpec.model_validate({"url": url})
