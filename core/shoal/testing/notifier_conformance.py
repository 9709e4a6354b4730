"""What every notifier must do, as tests: subclass `NotifierConformance` and give it fixtures.

    class TestMine(NotifierConformance):
        @pytest.fixture
        def notifier(self):
            return MyNotifier()

        @pytest.fixture
        def spec(self, receiver):            # as people write it
            return {"url": receiver.url}

        @pytest.fixture
        def received(self, receiver):        # called: the texts that arrived, headers included
            return lambda: receiver.texts

        @pytest.fixture
        def busy(self, receiver):            # called: from now on the other side says: later
            return receiver.be_busy

        @pytest.fixture
        def refusing(self, receiver):        # called: from now on it refuses whoever we are
            return receiver.refuse

`secrets` and `host` may be given too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from shoal.errors import AccessDenied, Retryable
from shoal.hooks.host import Host
from shoal.hooks.notifiers import NotifierType
from shoal.model.alerts import Batch, Event, EventKind, Purpose, Stage, Topic
from shoal.model.identity import Ref
from shoal.testing.seam_conformance import (
    Caller,
    SeamConformance,
    Secrets,
    check_name,
    check_spec,
    read_spec,
)

Written = Mapping[str, Any]
Received = Callable[[], Sequence[str]]
_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_ODD = "\r\nX-Evil: 1 <script>alert('\u00fc \u2603 \U0001f41f \x00 \x1b[31m')</script> &amp; *_`~ "


def make_batch(*, stage: Stage = Stage.BEGAN, text: str = "", **changes: Any) -> Batch:
    """An application that failed on two clusters; `text` stands wherever a text may."""
    topic = Topic(
        title=f"default/web failed on 2 clusters{text}",
        kind=EventKind.FAILED,
        stage=stage,
        clusters=("eu-1", "us-1"),
        message=f"Deployment web: quota exceeded{text}",
        change=f"Bump web{text}",
        who=f"Ana{text}",
        revision="0123456789abcdef",
        next_step=f"shoal describe app web{text}",
    )
    event = Event(
        seq=7,
        at=_AT,
        kind=EventKind.FAILED,
        stage=stage,
        what="target.failed",
        subject="default/web@eu-1",
        application="default/web",
        cluster="eu-1",
        message=topic.message,
    )
    batch = Batch(
        id="batch-0123456789abcdef",
        alert=Ref("default", "team"),
        fleet="acme",
        at=_AT,
        purpose=Purpose.NEWS,
        title=topic.title,
        topics=(topic,),
        events=(event,),
        open_troubles=1,
        link="https://wiki.example.org/web",
    )
    return replace(batch, **changes)


class Sending(Caller):
    """Sends what a test has made."""

    async def send(self, written: Written, batch: Batch) -> None:
        """As the engine does."""
        spec = read_spec(self.plugin.spec, written)
        await self.ask(lambda: self.plugin.send(spec, batch, self.host))


class NotifierConformance(SeamConformance):
    """The suite; every test is a promise of `NotifierType`."""

    @pytest.fixture
    def sending(self, notifier: NotifierType[Any], host: Host, secrets: Secrets) -> Sending:
        """Sends by the notifier under test."""
        return Sending(notifier, host, secrets)

    def test_its_name_and_spec_fit_documents(self, notifier: NotifierType[Any]) -> None:
        """A key, and a model that is strict and described."""
        check_name(notifier.name)
        check_spec(notifier.spec)

    async def test_when_it_has_returned_the_other_side_has_it(
        self, sending: Sending, spec: Written, received: Received
    ) -> None:
        """Once, with what it is about."""
        await sending.send(spec, make_batch())

        (text,) = received()
        assert "default/web failed on 2 clusters" in text

    async def test_a_repeat_is_known_to_be_one(
        self, sending: Sending, spec: Written, received: Received
    ) -> None:
        """By the id of the batch, or because it says the very same."""
        batch = make_batch()
        await sending.send(spec, batch)
        await sending.send(spec, batch)

        first, again = received()
        assert first == again or (batch.id in first and batch.id in again)

    async def test_whatever_is_told_arrives(
        self, sending: Sending, spec: Written, received: Received
    ) -> None:
        """A recovery, a reminder, a trial without any event, odd texts and long ones."""
        empty = make_batch(purpose=Purpose.TEST, topics=(), events=(), link="", open_troubles=0)
        many = make_batch()
        batches = (
            make_batch(stage=Stage.ENDED, open_troubles=0),
            make_batch(purpose=Purpose.REMINDER),
            empty,
            make_batch(text=_ODD),
            make_batch(text="x" * 20_000),
            replace(many, topics=many.topics * 200, events=many.events * 200),
        )
        for number, batch in enumerate(batches):
            await sending.send(spec, replace(batch, id=f"batch-{number}"))

        assert len(received()) >= len(batches)

    async def test_what_the_other_side_cannot_take_now_is_tried_again(
        self, sending: Sending, spec: Written, busy: Callable[[], object]
    ) -> None:
        """A Retryable: nobody is to believe that it arrived."""
        busy()

        with pytest.raises(Retryable):
            await sending.send(spec, make_batch())

    async def test_a_refused_credential_is_told(
        self, sending: Sending, spec: Written, refusing: Callable[[], object]
    ) -> None:
        """AccessDenied: somebody has to mend it."""
        refusing()

        with pytest.raises(AccessDenied):
            await sending.send(spec, make_batch())

    async def test_what_is_cancelled_ends_and_the_next_batch_arrives(
        self, sending: Sending, spec: Written, received: Received
    ) -> None:
        """At any step of it; whether the cancelled one arrived, nobody knows."""
        await sending.cancel(lambda: sending.send(spec, make_batch(id="cancelled")))
        await sending.send(spec, make_batch(title="the last one"))

        assert "the last one" in received()[-1]
