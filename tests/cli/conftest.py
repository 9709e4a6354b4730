"""How tests of commands run them: in process, through the border that makes exit codes."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import pytest
import structlog

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
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run `shoal` with these words; no variable or file of the outside world counts."""
    for name in os.environ:
        if name.startswith("SHOAL_") or name in ("NO_COLOR", "CLICOLOR_FORCE"):
            monkeypatch.delenv(name)
    places = (Path("/nowhere/of-user.yaml"), Path("/nowhere/of-machine.yaml"))
    monkeypatch.setattr("shoal.composition.configuration_file.default_places", lambda: places)

    def run_words(*words: str) -> Ended:
        code = carry_out(words)
        told = capsys.readouterr()
        return Ended(code, told.out, told.err)

    yield run_words
    structlog.reset_defaults()  # a command logs to the stderr of its test


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


HEAD = "apiVersion: shoal.dev/v1alpha1\n"
CLUSTERS = {"dev": "env: dev", "eu-1": "env: prod, region: eu", "us-1": "env: prod, region: us"}


@dataclass
class LocalFleet:
    """A fleet in a folder, with an application `web` whose source is a folder beside it."""

    folder: Path
    source: Path
    run: Run

    def write(self, name: str, text: str) -> None:
        """A document of the fleet."""
        (self.folder / name).write_text(HEAD + text)

    def override(self, *overrides: str, render: str = "", selector: str = "{}") -> None:
        """The application with these overrides, each a mapping in flow style."""
        listed = "".join(f"  - {{{override}}}\n" for override in overrides)
        self.write(
            "web.yaml",
            "kind: Application\nmetadata: {name: web}\nspec:\n"
            "  source: {git: {url: ../apps, branch: main}, path: web}\n"
            f"  placement: {{clusterSelector: {selector}}}\n"
            + (f"  render: {render}\n" if render else "")
            + (f"  overrides:\n{listed}" if listed else ""),
        )

    def put(self, **files: str) -> None:
        """Manifests of the application: name of the file without `.yaml` → content."""
        for name, content in files.items():
            path = self.source / "web" / f"{name}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    def render(self, *words: str) -> Ended:
        """`shoal render` of the working copy, in the fleet's folder."""
        return self.run("render", *words, "--path", str(self.source))


@pytest.fixture
def fleet(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> LocalFleet:
    """Three clusters and one application without overrides; the current folder is the fleet's."""
    found = LocalFleet(tmp_path / "fleet", tmp_path / "apps", run)
    found.folder.mkdir()
    found.source.mkdir()
    found.write("fleet.yaml", "kind: Fleet\nmetadata: {name: acme}\n")
    for name, labels in CLUSTERS.items():
        found.write(
            f"cluster-{name}.yaml",
            f"kind: Cluster\nmetadata: {{name: {name}, labels: {{{labels}}}}}\n"
            f"spec: {{access: {{kubeconfig: {{path: x}}}}, values: {{zone: {name}-a}}}}\n",
        )
    found.override()
    monkeypatch.chdir(found.folder)
    monkeypatch.setattr("shoal.composition.lending.cache_folder", lambda: tmp_path / "cache")
    return found
