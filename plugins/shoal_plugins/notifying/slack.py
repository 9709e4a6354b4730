"""The notifier `slack`: a message in a channel, by an incoming webhook of Slack.

The address of the webhook is the secret. A message has a header, one section for each topic with
what, where, why and what to do, and a line that says which fleet and Alert it is from. What people
or clusters said is shown as it is: nothing in it becomes a link, a mention or a format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import orjson
from pydantic import Field

from shoal.errors import AccessDenied
from shoal.hooks.host import Host, HttpAnswer, HttpRequest
from shoal.model.alerts import Batch, Purpose, Stage, Topic
from shoal.model.choice import Spec
from shoal.model.phrases import some_of
from shoal.model.secret_refs import SecretRef
from shoal_plugins.notifying.answering import check
from shoal_plugins.notifying.secrets import read_key

KEY = "url"
"""The key of the secret that holds the address of the webhook."""
_SEND_SECONDS = 20.0
_MOST_TOPICS = 15
"""Slack takes 50 blocks of a message; nobody reads as many."""
_HEADER, _SECTION, _FIELD = 150, 3000, 2000
"""Characters that Slack takes of each."""
_MOST_CLUSTERS = 20
_ICONS = {Stage.BEGAN: "🔴", Stage.HAPPENED: "🔵", Stage.ENDED: "🟢"}


class SlackSpec(Spec):
    """A channel of Slack, by an incoming webhook."""

    secret_ref: SecretRef = Field(
        description="The secret whose key `url` is the address of the incoming webhook."
    )


class SlackNotifier:
    """Posts messages; keeps nothing."""

    name = "slack"
    spec = SlackSpec

    async def send(self, spec: SlackSpec, batch: Batch, host: Host) -> None:
        """Post it; Slack answers `ok`. A repeat is a second message, for Slack knows no ids."""
        name = spec.secret_ref.name
        url = (await read_key(host, batch.alert.namespace, name, KEY)).decode("ascii", "replace")
        server = urlsplit(url).hostname
        if not server:
            raise AccessDenied(
                f"the key {KEY} of the secret {batch.alert.namespace}/{name} is no address",
                next_step="write the address that Slack shows for the incoming webhook",
            )
        request = HttpRequest(
            method="POST",
            url=url,
            headers={"Content-Type": "application/json; charset=utf-8"},
            body=orjson.dumps(message_of(batch)),
            deadline_seconds=_SEND_SECONDS,
        )
        answer = await host.http.request(request)
        check(answer, server, said=_said(answer))


def _said(answer: HttpAnswer) -> str:
    """Slack's word for what is wrong, such as `invalid_token` or `no_service`; nothing else."""
    word = answer.body[:64].decode("ascii", "replace").strip()
    return word if word.replace("_", "").isalpha() and word.islower() else ""


def message_of(batch: Batch) -> dict[str, Any]:
    """The message as Slack takes it; `text` is what a notification shows."""
    icon = _ICONS[_stage(batch)]
    return {
        "text": escaped(f"{icon} {batch.title}", _SECTION),
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": list(_blocks(batch, icon)),
    }


def _stage(batch: Batch) -> Stage:
    if batch.purpose is Purpose.TEST or not batch.topics:
        return Stage.HAPPENED
    return batch.topics[0].stage


def _blocks(batch: Batch, icon: str) -> Iterator[dict[str, Any]]:
    yield {"type": "header", "text": _plain(f"{icon} {batch.title}", _HEADER)}
    for topic in batch.topics[:_MOST_TOPICS]:
        yield from _topic(topic, is_only=len(batch.topics) == 1)
    left = len(batch.topics) - _MOST_TOPICS
    if left > 0:
        yield {"type": "section", "text": _markdown(f"… and {left} more; see `shoal status`")}
    yield {"type": "context", "elements": [_markdown(_from(batch))]}


def _topic(topic: Topic, *, is_only: bool) -> Iterator[dict[str, Any]]:
    lines = [] if is_only else [f"{_ICONS[topic.stage]} {topic.title}"]
    text = "\n".join([*lines, *([topic.message] if topic.message else [])])
    fields = [
        _plain(f"{name}: {value}", _FIELD)
        for name, value in (
            ("Change", topic.change),
            ("By", topic.who),
            ("Revision", topic.revision[:12]),
            ("Clusters", _clusters(topic)),
        )
        if value
    ]
    if text or fields:
        yield {
            "type": "section",
            **({"text": _plain(text, _SECTION)} if text else {}),
            **({"fields": fields} if fields else {}),
        }
    if topic.next_step:
        yield {"type": "context", "elements": [_markdown(f"next: `{_code(topic.next_step)}`")]}


def _clusters(topic: Topic) -> str:
    return some_of(topic.clusters, _MOST_CLUSTERS)


def _from(batch: Batch) -> str:
    parts = [f"fleet {escaped(batch.fleet, 100)}, alert {escaped(str(batch.alert), 200)}"]
    if batch.open_troubles:
        parts.append(f"{batch.open_troubles} still open")
    if batch.link:
        parts.append(f"<{escaped(batch.link.replace('|', '%7C'), 1000)}|more>")
    return " · ".join(parts)


def _plain(text: str, limit: int) -> dict[str, Any]:
    """What somebody else said: nothing in it is a format, and `:word:` is no picture."""
    return {"type": "plain_text", "text": escaped(text, limit), "emoji": False}


def _markdown(text: str) -> dict[str, Any]:
    """Our own words, in which what others said is escaped; addresses become no links."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def escaped(text: str, limit: int) -> str:
    """At most so many characters; Slack's three control characters are written out."""
    for sign, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, written)
    if len(text) <= limit:
        return text
    # Not within what stands for a control character.
    return re.sub(r"&[a-z]*$", "", text[: limit - 1]) + "…"


def _code(text: str) -> str:
    """Text between back-ticks."""
    return escaped(text.replace("`", "'"), 300)
