"""What every gate must do, as tests: subclass `GateConformance` and give it fixtures.

    class TestMine(GateConformance):
        @pytest.fixture
        def gate(self):
            return MyGate()

        @pytest.fixture
        def passing(self):                   # as people write it; lets the proposal pass
            return {"…": "…"}

        @pytest.fixture
        def refusing(self):                  # refuses it
            return {"…": "…"}

`proposal`, `secrets` and `host` may be given too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from shoal.engine import answers
from shoal.hooks.gates import Gate, Operations, Proposal
from shoal.hooks.host import Host
from shoal.model.facts import DocumentFacts
from shoal.model.identity import ObjectKey, Ref, TargetKey
from shoal.model.plans import Action, Change, Plan
from shoal.testing.seam_conformance import (
    Caller,
    SeamConformance,
    Secrets,
    check_name,
    check_spec,
    read_spec,
)

Written = Mapping[str, Any]
_WEB = ObjectKey("apps", "Deployment", "shop", "web")
_OLD = ObjectKey("", "ConfigMap", "shop", "old")


def make_proposal() -> Proposal:
    """Web is scaled to nothing, and a ConfigMap goes; the patch of the latter is not at hand."""

    def patch_of(key: ObjectKey) -> Operations | None:
        return [{"op": "replace", "path": "/spec/replicas", "value": 0}] if key == _WEB else None

    changes = (
        Change(_WEB, Action.UPDATE, "a", "b", "changed in Git"),
        Change(_OLD, Action.DELETE, "a", None, "removed from Git"),
    )
    return Proposal(
        plan=Plan(TargetKey(Ref("shop", "web"), "eu-1"), changes),
        revision="0123456789abcdef",
        cluster=DocumentFacts("eu-1", {"env": "prod"}, {"size": 3}),
        now=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        labels={"team": "shop"},
        patch_of=patch_of,
    )


class Asking(Caller):
    """Asks a gate."""

    async def evaluate(self, written: Written, proposal: Proposal) -> str | None:
        """As the engine does; the answer is one that it takes."""
        spec = read_spec(self.plugin.spec, written)
        return answers.verdict(
            await self.ask(lambda: self.plugin.evaluate(spec, proposal, self.host))
        )


class GateConformance(SeamConformance):
    """The suite; every test is a promise of `Gate`."""

    @pytest.fixture
    def proposal(self) -> Proposal:
        """What is asked about."""
        return make_proposal()

    @pytest.fixture
    def asking(self, gate: Gate[Any], host: Host, secrets: Secrets) -> Asking:
        """Asks the gate under test."""
        return Asking(gate, host, secrets)

    def test_its_name_and_spec_fit_documents(self, gate: Gate[Any]) -> None:
        """A key, and a model that is strict and described."""
        check_name(gate.name)
        check_spec(gate.spec)

    async def test_it_lets_pass_or_says_why_not_in_one_clause(
        self, asking: Asking, passing: Written, refusing: Written, proposal: Proposal
    ) -> None:
        """The clause stands in a sentence of ours: no line break, no full stop at its end."""
        assert await asking.evaluate(passing, proposal) is None
        why = await asking.evaluate(refusing, proposal)

        assert why, "an empty text says nothing; None lets the plan pass"
        assert "\n" not in why
        assert not why.endswith(".")

    async def test_the_same_question_has_the_same_answer(
        self, asking: Asking, passing: Written, refusing: Written, proposal: Proposal
    ) -> None:
        """Asked for many targets at once, and again about every minute; it changes nothing."""
        before = proposal.plan.hash
        first = await asking.evaluate(refusing, proposal)
        several = await asking.ask(
            lambda: asyncio.gather(
                *(
                    asking.plugin.evaluate(
                        read_spec(asking.plugin.spec, written), proposal, asking.host
                    )
                    for written in (refusing, passing, refusing, passing)
                )
            )
        )

        assert several == [first, None, first, None]
        assert proposal.plan.hash == before

    async def test_what_is_cancelled_ends_and_the_next_question_is_answered(
        self, asking: Asking, passing: Written, proposal: Proposal
    ) -> None:
        """At any step of it."""
        await asking.cancel(lambda: asking.evaluate(passing, proposal))

        assert await asking.evaluate(passing, proposal) is None
