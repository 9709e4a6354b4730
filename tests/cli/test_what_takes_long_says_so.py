"""Nothing for a second; then a line that is written over on a terminal, plain ones elsewhere."""

from __future__ import annotations

import sys
import threading

import pytest

from shoal.cli import progress
from shoal.testing.views import application_view, cluster_view, target_view

WIPE = "\r\x1b[2K"


@pytest.fixture
def moments():
    """A clock that a test sets."""
    now = [0.0]
    return now


@pytest.mark.parametrize(
    ("is_terminal", "told"),
    [
        (False, "at 1\nat 11\n"),
        (True, f"{WIPE}at 1{WIPE}at 5{WIPE}at 11{WIPE}"),
    ],
)
def test_it_is_said_after_a_second_and_as_often_as_the_reader_can_bear(
    capsys, monkeypatch, moments, is_terminal, told
):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    with progress.saying_progress(lambda: moments[0]) as say:
        for at in (0.0, 0.9, 1.0, 5.0, 11.0):
            moments[0] = at
            say(f"at {at:g}")

    assert capsys.readouterr() == ("", told)


def test_what_was_quick_says_nothing(capsys):
    with progress.ticking("waiting"):
        pass

    assert capsys.readouterr() == ("", "")


def test_an_answer_that_does_not_come_says_that_it_is_waited_for(
    shoal_controller, shoal, monkeypatch
):
    """The controller answers once the command has said that it waits."""
    said = threading.Event()
    clean = progress.clean

    def noted(text: str) -> str:
        said.set()
        return clean(text)

    def answer():
        assert said.wait(10)
        return [cluster_view()]

    monkeypatch.setattr(progress, "clean", noted)
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0.0)
    monkeypatch.setattr(progress, "_TICK_SECONDS", 0.001)
    shoal_controller.application_list = [application_view()]
    shoal_controller.target_list = [target_view()]
    monkeypatch.setattr(shoal_controller, "clusters", answer)

    ended = shoal("get", "clusters")

    assert ended.code == 0
    assert "waiting for the controller (0s)" in ended.err
    assert "waiting" not in ended.out
