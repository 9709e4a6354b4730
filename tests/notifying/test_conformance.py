"""The notifiers `webhook` and `slack` keep every promise of a notifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tests.notifying.conftest import Receiver

from shoal.testing.notifier_conformance import NotifierConformance
from shoal_plugins.notifying.slack import SlackNotifier
from shoal_plugins.notifying.webhook import WebhookNotifier


class OnLoopback(NotifierConformance):
    """With the receiver that all tests here have."""

    @pytest.fixture
    def received(self, receiver: Receiver) -> Callable[[], list[str]]:
        return lambda: [f"{each.headers}\n{each.body.decode()}" for each in receiver.received]

    @pytest.fixture
    def busy(self, receiver: Receiver) -> Callable[[], None]:
        return lambda: setattr(receiver, "status", 503)

    @pytest.fixture
    def refusing(self, receiver: Receiver) -> Callable[[], None]:
        return lambda: setattr(receiver, "status", 403)


class TestWebhook(OnLoopback):
    """Signed."""

    @pytest.fixture
    def notifier(self) -> WebhookNotifier:
        return WebhookNotifier()

    @pytest.fixture
    def secrets(self) -> Mapping[str, Any]:
        return {"default/signing": {"key": b"a key that both know"}}

    @pytest.fixture
    def spec(self, receiver: Receiver) -> Mapping[str, Any]:
        return {"url": receiver.url, "secretRef": {"name": "signing"}}


class TestSlack(OnLoopback):
    """By an address that is a secret."""

    @pytest.fixture
    def notifier(self) -> SlackNotifier:
        return SlackNotifier()

    @pytest.fixture
    def secrets(self, receiver: Receiver) -> Mapping[str, Any]:
        return {"default/chat": {"url": receiver.url.encode()}}

    @pytest.fixture
    def spec(self) -> Mapping[str, Any]:
        return {"secretRef": {"name": "chat"}}
