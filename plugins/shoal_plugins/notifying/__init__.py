"""The built-in notifiers: `webhook` for machines, `slack` for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shoal.hooks import hookimpl
from shoal.hooks.notifiers import NotifierType
from shoal_plugins.notifying.slack import SlackNotifier
from shoal_plugins.notifying.webhook import WebhookNotifier

__all__ = ["SlackNotifier", "WebhookNotifier", "shoal_notifiers"]


@hookimpl
def shoal_notifiers() -> Sequence[NotifierType[Any]]:
    """The notifiers of this distribution."""
    return (WebhookNotifier(), SlackNotifier())
