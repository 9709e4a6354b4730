"""However the demo ends, no process and no file of it stays."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from shoal_clusters.demo.staging import PID_FILE


@pytest.mark.real
def test_ctrl_c_in_the_live_view_stops_everything(start_demo: Callable) -> None:
    demo = start_demo()
    demo.wait_for("is the first application synced everywhere")
    demo.wait_for("target.synced")
    assert "Three things to try" in demo.text()
    assert "git clone http://127.0.0.1:" in demo.text()
    assert any("kube-apiserver" in each for each in demo.left_behind())

    demo.press(b"\x03")

    assert demo.end() == 130
    assert demo.left_behind() == []


@pytest.mark.real
@pytest.mark.usefixtures("controlled_plane")
def test_ctrl_c_stops_the_real_controllers_too(start_demo: Callable) -> None:
    demo = start_demo("--controllers")
    demo.wait_for("is the first application synced everywhere")
    assert any("kube-controller-manager" in each for each in demo.left_behind())

    demo.press(b"\x03")

    assert demo.end() == 130
    assert demo.left_behind() == []


@pytest.mark.real
def test_sigterm_during_the_start_stops_everything(start_demo: Callable) -> None:
    demo = start_demo()
    demo.wait_until(lambda: any("kube-apiserver" in each for each in demo.left_behind()))

    demo.process.send_signal(signal.SIGTERM)

    assert demo.end() == 130
    assert demo.left_behind() == []


@pytest.mark.real
def test_a_controller_that_dies_ends_the_demo(start_demo: Callable) -> None:
    import os

    demo = start_demo()
    demo.wait_for("Three things to try")

    os.kill(int((demo.stage() / PID_FILE).read_text()), signal.SIGKILL)

    assert demo.end() == 3
    assert "error: `shoal run` has ended; its log ends with:" in demo.text()
    assert demo.left_behind() == []
