"""A few plugins' parts, and short ways to write documents."""

from collections.abc import Callable

import pytest
from pydantic import Field

from shoal.documents import Loaded, load
from shoal.model.choice import Seams, Spec

HEAD = "apiVersion: shoal.dev/v1alpha1\n"


class SecretRef(Spec):
    """As a plugin would have it."""

    name: str


class Git(Spec):
    """As a plugin would have it."""

    url: str
    branch: str = "main"
    depth: int = Field(default=1, ge=1)
    secret_ref: SecretRef | None = None


class Nothing(Spec):
    """A part without fields."""


SEAMS: Seams = {
    "source": {"git": Git, "oci": Nothing},
    "access": {"kubeconfig": Nothing},
    "renderer": {"plain": Nothing},
}
Load = Callable[..., Loaded]


@pytest.fixture
def read() -> Load:
    """Load files given as text; `fleet=True` adds a Fleet of its own."""

    def read(files: dict[str, str], *, fleet: bool = True) -> Loaded:
        given = dict(files)
        if fleet:
            given["fleet.yaml"] = f"{HEAD}kind: Fleet\nmetadata: {{name: shop}}\n"
        return load({file: text.encode() for file, text in given.items()}, SEAMS)

    return read


@pytest.fixture
def told(read: Load) -> Callable[..., list[str]]:
    """The problems of one file, as the lines people read, without the file's name."""

    def told(text: str, **options: bool) -> list[str]:
        loaded = read({"a.yaml": text}, **options)
        return [problem.as_text().removeprefix("a.yaml:") for problem in loaded.problems]

    return told
