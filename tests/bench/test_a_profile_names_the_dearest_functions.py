"""A profile is text: which functions had most samples, alone and with what they call."""

from __future__ import annotations

from bench.profiling import summarise

LOOP = "/usr/lib/python3.11/asyncio/events.py:Handle._run"
SEND = "/home/me/shoal/clusters/shoal_clusters/transport.py:Transport._send"
WAIT = "/usr/lib/python3.11/selectors.py:EpollSelector.select"


def test_own_time_is_the_innermost_function_and_the_rest_are_its_callers() -> None:
    text = summarise([[SEND, LOOP], [SEND, SEND, LOOP], [WAIT, LOOP], [LOOP]], 2.0)
    head, own, inclusive = text.split("\n\n")

    assert head == "4 samples in 2.0 seconds"
    assert own.splitlines()[1] == " 50.0 %  shoal_clusters/transport.py:Transport._send"
    assert inclusive.splitlines()[1].startswith("100.0 %")
    assert " 50.0 %  shoal_clusters/transport.py:Transport._send" in inclusive
