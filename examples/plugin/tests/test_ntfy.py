"""The notifier `ntfy`: what Shoal asks of every notifier, and what is its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from shoal.errors import AccessDenied, Permanent
from shoal.testing.notifier_conformance import NotifierConformance, make_batch
from shoal_example.ntfy import NtfyNotifier


class TestNtfy(NotifierConformance):
    """The promises of every notifier."""

    @pytest.fixture
    def notifier(self) -> NtfyNotifier:
        return NtfyNotifier()

    @pytest.fixture
    def secrets(self) -> Mapping[str, Mapping[str, bytes]]:
        return {"default/phones": {"token": b"canary-5f1d"}}

    @pytest.fixture
    def spec(self, server) -> Mapping[str, Any]:
        server.token = "canary-5f1d"
        return {"server": server.url, "topic": "fleet", "secretRef": {"name": "phones"}}

    @pytest.fixture
    def received(self, server) -> Callable[[], list[str]]:
        return lambda: server.posted

    @pytest.fixture
    def busy(self, server) -> Callable[[], None]:
        return lambda: setattr(server, "status", 429)

    @pytest.fixture
    def refusing(self, server) -> Callable[[], None]:
        return lambda: setattr(server, "token", "another")

    async def test_a_message_says_what_is_wrong_and_leads_to_more(
        self, sending, spec, server
    ) -> None:
        """By the names that ntfy has for it."""
        await sending.send(spec, make_batch())

        assert json.loads(server.posted[0]) == {
            "topic": "fleet",
            "sequence_id": "batch-0123456789abcdef",
            "title": "default/web failed on 2 clusters",
            "message": "default/web failed on 2 clusters: Deployment web: quota exceeded",
            "tags": ["fish"],
            "click": "https://wiki.example.org/web",
        }

    async def test_what_is_too_long_is_cut(self, sending, spec, server) -> None:
        """Within a character of several bytes, too."""
        await sending.send(spec, make_batch(text="ü" * 9000))

        told = json.loads(server.posted[0])
        assert len(told["message"].encode()) <= 4000
        assert len(told["title"].encode()) <= 250

    @pytest.mark.parametrize(("status", "error"), [(404, AccessDenied), (413, Permanent)])
    async def test_a_wrong_address_is_tried_on_and_a_refused_batch_is_not(
        self, sending, spec, server, status: int, error: type[Exception]
    ) -> None:
        """AccessDenied keeps the batch, for somebody may mend the address."""
        server.status = status

        with pytest.raises(error, match=f"status {status}") as refused:
            await sending.send(spec, make_batch())
        assert type(refused.value) is error
