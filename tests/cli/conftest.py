"""How tests of commands run them: in process, through the border that makes exit codes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import pytest

from shoal.cli.ending import carry_out
from shoal.testing.controllers import FakeController, served


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `shoal` with these words; no variable of the outside world counts."""
    for name in ("SHOAL_STATE", "NO_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)

    def run_words(*words: str) -> Ended:
        code = carry_out(words)
        told = capsys.readouterr()
        return Ended(code, told.out, told.err)

    return run_words


@pytest.fixture(scope="session")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeController]:
    with served(FakeController(), tmp_path_factory.mktemp("controller")) as controller:
        yield controller


@pytest.fixture
def shoal_controller(_served: FakeController) -> FakeController:
    """The published fixture, served once for all tests here and emptied for each."""
    fresh = FakeController(state=_served.state)
    for field in fields(fresh):
        setattr(_served, field.name, getattr(fresh, field.name))
    return _served


@pytest.fixture
def shoal(run: Run, shoal_controller: FakeController) -> Run:
    """Run `shoal` against the served controller."""
    return lambda *words: run(*words, "--state", str(shoal_controller.state))
