"""A profile is text: which functions had most samples, alone and with what they call."""

from __future__ import annotations

from bench.stacks import summarise

LOOP = "/usr/lib/python3.11/asyncio/events.py:Handle._run"
SEND = "/home/me/shoal/clusters/shoal_clusters/transport.py:Transport._send"
WAIT = "/usr/lib/python3.11/selectors.py:EpollSelector.select"


def test_own_time_is_the_innermost_function_and_the_rest_are_its_callers() -> None:
    text = summarise([[SEND, LOOP], [SEND, SEND, LOOP], [WAIT, LOOP], [LOOP]])
    head, own, inclusive = text.split("\n\n")

    assert head == "4 samples"
    assert own.splitlines()[1] == " 50.0 %  shoal_clusters/transport.py:Transport._send"
    assert inclusive.splitlines()[1] == " 50.0 %  shoal_clusters/transport.py:Transport._send"
    assert "Handle._run" not in inclusive
