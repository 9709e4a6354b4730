"""Containers run as users that no table knows: they are known by their number."""

from __future__ import annotations

import os
import pwd

import pytest

from shoal.engine.users import own_name, user_name

NOBODY_KNOWN = 4_000_000_000


def test_a_user_that_no_table_knows_is_a_number() -> None:
    assert user_name(NOBODY_KNOWN) == f"uid:{NOBODY_KNOWN}"
    assert user_name(0) == "root"


def test_the_user_of_this_process_is_not_taken_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOGNAME", "somebody-else")
    monkeypatch.setenv("USER", "somebody-else")

    assert own_name() == pwd.getpwuid(os.getuid()).pw_name
