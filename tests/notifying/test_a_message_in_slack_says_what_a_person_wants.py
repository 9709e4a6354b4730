"""The notifier `slack`: what a message says, and that nothing in it is more than text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from tests.notifying.conftest import Receiver

from shoal.errors import AccessDenied, HttpFailed
from shoal.hooks.host import Host
from shoal.model.alerts import Batch, Purpose, Stage
from shoal_plugins.notifying import SlackNotifier
from shoal_plugins.notifying.slack import SlackSpec, message_of

CHAT = SlackSpec.model_validate({"secretRef": {"name": "chat"}})


def texts(message: dict[str, Any]) -> list[str]:
    """Every text of a message, in the order in which it is read."""
    found = [message["text"]]
    for block in message["blocks"]:
        parts = [block.get("text"), *block.get("fields", ()), *block.get("elements", ())]
        found += [part["text"] for part in parts if part]
    return found


async def test_a_message_says_what_where_why_and_what_to_do(
    receiver: Receiver, host: Host, batch: Batch
) -> None:
    await SlackNotifier().send(CHAT, batch, host)

    (one,) = receiver.received
    assert texts(one.json) == [
        "🔴 web failed on c1 and c2",
        "🔴 web failed on c1 and c2",
        "Deployment default/web: quota exceeded",
        "Change: Bump web to 3.9",
        "By: Ana &lt;ana@example.org&gt;",
        "Revision: 0123456789ab",
        "Clusters: c1, c2",
        "next: `shoal describe tg web@c1`",
        "fleet shop, alert default/on-call · 2 still open · <https://runbook.example.org/web|more>",
    ]


def test_a_recovery_looks_like_one_and_a_test_says_that_it_is_one(batch: Batch) -> None:
    topic = replace(batch.topics[0], stage=Stage.ENDED, title="web recovered on c1 and c2")
    recovery = replace(batch, topics=(topic,), title=topic.title)
    trial = replace(batch, purpose=Purpose.TEST, topics=(), events=(), title="a test")

    assert message_of(recovery)["text"] == "🟢 web recovered on c1 and c2"
    assert message_of(trial)["text"] == "🔵 a test"


def test_what_others_said_is_no_mention_no_link_and_no_format(batch: Batch) -> None:
    hostile = "<!channel> <@U1> *bold* `code` <https://evil.example|click> :boom: & more"
    topic = replace(
        batch.topics[0],
        message=hostile,
        change=hostile,
        who=hostile,
        next_step=hostile,
        clusters=("*c1*",),
    )
    message = message_of(replace(batch, title=hostile, topics=(topic, topic)))

    said = texts(message)
    assert not any("<!" in text or "<@" in text or "<https://evil" in text for text in said)
    for block in message["blocks"]:
        parts = [block.get("text"), *block.get("fields", ()), *block.get("elements", ())]
        for part in filter(None, parts):
            if "bold" in part["text"] and part["type"] == "mrkdwn":
                assert part["text"].count("`") == 2  # all of it is between back-ticks
            elif "bold" in part["text"]:
                assert part["emoji"] is False
    assert message["mrkdwn"] is False


def test_a_message_is_never_larger_than_slack_takes(batch: Batch) -> None:
    topic = replace(
        batch.topics[0],
        title="t" * 5000,
        message="&" * 10_000,
        change="c" * 5000,
        who="w" * 5000,
        next_step="n" * 5000,
        clusters=tuple(f"cluster-{number}" * 10 for number in range(1000)),
    )
    message = message_of(replace(batch, title="t" * 5000, topics=(topic,) * 200))

    assert len(message["blocks"]) <= 50
    for block in message["blocks"]:
        if block["type"] == "header":
            assert len(block["text"]["text"]) <= 150
        elif block["type"] == "section":
            assert len(block["text"]["text"]) <= 3000
            assert not block["text"]["text"].endswith(("&…", "&am…", "&amp…"))
            assert all(len(each["text"]) <= 2000 for each in block.get("fields", ()))
        else:
            assert all(len(each["text"]) <= 2000 for each in block["elements"])
    assert "… and 185 more" in orjson.dumps(message).decode()


async def test_slack_says_when_it_takes_more_and_what_is_wrong(
    receiver: Receiver, host: Host, batch: Batch
) -> None:
    receiver.status, receiver.headers = 429, {"Retry-After": "7"}
    with pytest.raises(HttpFailed) as later:
        await SlackNotifier().send(CHAT, batch, host)
    receiver.status, receiver.text = 404, "no_service"
    with pytest.raises(AccessDenied, match=r"status 404 \(no_service\)") as gone:
        await SlackNotifier().send(CHAT, batch, host)

    assert later.value.after_seconds == 7
    assert "/hook" not in str(gone.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("empty", "the secret default/empty has no key url"),
        ("odd", "the key url of the secret default/odd is no address"),
        ("none", "the secret default/none is not there"),
    ],
)
async def test_a_secret_that_is_no_address_is_said(
    receiver: Receiver, host: Host, batch: Batch, name: str, told: str
) -> None:
    spec = SlackSpec.model_validate({"secretRef": {"name": name}})

    with pytest.raises(AccessDenied, match=told):
        await SlackNotifier().send(spec, batch, host)
