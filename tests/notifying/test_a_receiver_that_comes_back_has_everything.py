"""The engine and a real receiver that fails, hangs, goes away and comes back, over a restart."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.docs.pages import ROOT, blocks_of
from tests.engine.harness import EngineUnderTest, config_map, make_engine
from tests.notifying.conftest import Received, Receiver

from shoal_plugins.notifying import WebhookNotifier, webhook

WITHIN_SECONDS = 20.0


class Noting(WebhookNotifier):
    """By the name that the engine under test gives it."""

    name = "noting"


def engine_for(folder: Path, receiver: Receiver) -> EngineUnderTest:
    engine = make_engine(folder, "one")
    engine.notifier = Noting()  # type: ignore[assignment]  # another notifier than the fake
    engine.declare_alert(to=[{"noting": {"url": receiver.url}}], events=["Synced"], groupFor="0s")
    engine.source.commit(shop__settings=config_map(number="1"))
    return engine


async def until(holds: Callable[[], Any], what: str) -> None:
    with anyio.move_on_after(WITHIN_SECONDS):
        while not holds():
            await anyio.sleep(0.02)
        return
    raise AssertionError(f"not seen: {what}")


def taken(receiver: Receiver) -> list[str]:
    """The revisions that arrived, a repeat left out by its id as a receiver would."""
    batches = {each.headers["Shoal-Batch"]: each.json["data"] for each in receiver.taken}
    return [event["revision"] for data in batches.values() for event in data["events"]]


@pytest.mark.parametrize("trouble", ["fails", "hangs", "is away"])
async def test_what_was_recorded_meanwhile_arrives_after_a_restart(
    tmp_path: Path, receiver: Receiver, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "_SEND_SECONDS", 0.5)
    engine = engine_for(tmp_path, receiver)
    await receiver.trouble(trouble)

    async with engine.running():
        await until(lambda: has_failed(engine), "a try that failed")
        engine.source.commit(shop__settings=config_map(number="2"))
        await until(lambda: engine.target("one").revision == "2", "the second revision")
        (view,) = engine.controller.alerts()
    engine.restart()
    async with engine.running():
        await receiver.recover()
        await until(lambda: len(taken(receiver)) == 2, "both revisions")

    assert view.ready == "False"
    assert view.message.startswith("noting: 127.0.0.1 ")
    assert taken(receiver) == ["1", "2"]


def has_failed(engine: EngineUnderTest) -> bool:
    return any(view.ready == "False" for view in engine.controller.alerts())


VERIFY = ROOT / "docs/how-to/alerts.md"


def verifier() -> Callable[..., bool]:
    """The function that the page tells receivers to use, as it stands there."""
    code = next(each.text for each in blocks_of(VERIFY) if each.language == "python")
    names: dict[str, Any] = {}
    exec(code, names)
    found: Callable[..., bool] = names["is_from_shoal"]
    return found


async def test_the_page_verifies_what_is_sent_and_nothing_else(
    receiver: Receiver, host: Any, batch: Any
) -> None:
    spec = webhook.WebhookSpec.model_validate(
        {"url": receiver.url, "secretRef": {"name": "signing"}}
    )
    await WebhookNotifier().send(spec, batch, host)
    (one,) = receiver.received
    is_from_shoal, key = verifier(), b"a key that both know"

    assert is_from_shoal(key, one.headers, one.body)
    assert not is_from_shoal(b"another key", one.headers, one.body)
    assert not is_from_shoal(key, one.headers, one.body + b" ")
    assert not is_from_shoal(key, {}, one.body)
    assert not is_from_shoal(key, old(one, key), one.body)


def old(received: Received, key: bytes) -> dict[str, str]:
    """Headers that were right ten minutes ago: somebody sends again what he recorded."""
    then = int(time.time()) - 600
    digest = hmac.new(key, f"{then}.".encode() + received.body, "sha256").hexdigest()
    return {"Shoal-Timestamp": str(then), "Shoal-Signature": f"sha256={digest}"}
