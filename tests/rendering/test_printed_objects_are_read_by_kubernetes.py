"""What `shoal render` prints is, for Kubernetes' own reader, exactly what was rendered."""

from __future__ import annotations

from tests.rendering.odd_yaml import SCALARS
from tests.rendering.originals.running import KubernetesYaml

from shoal.cli.yaml_stream import stream

LINES = ["a", " a", "a ", "", "\ta", "# a", "- a", "a: b", "---", "...", "é", "\x85", "\u2028", "|"]


def test_text_that_looks_like_something_else_stays_text(kubernetes_reader: KubernetesYaml) -> None:
    """As a value, as a key, and inside of longer text."""
    bodies = [
        {"apiVersion": "v1", "kind": "ConfigMap", "data": {text: text, "a": f"{text}\n{text}\n"}}
        for text in SCALARS
    ]

    found = kubernetes_reader.read("file", "".join(stream(bodies)).encode())

    assert found.verdict == "read", found.message
    assert found.value == bodies


def test_text_of_several_lines_keeps_every_space(kubernetes_reader: KubernetesYaml) -> None:
    texts = [f"{one}\n{two}{end}" for one in LINES for two in LINES for end in ("", "\n", "\n\n")]
    bodies = [{"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": text}} for text in texts]

    found = kubernetes_reader.read("file", "".join(stream(bodies)).encode())

    assert found.verdict == "read", found.message
    assert found.value == bodies


def test_numbers_stay_what_they_are(kubernetes_reader: KubernetesYaml) -> None:
    numbers = [0, -1, 2**63 - 1, -(2**63), 2**64 - 1, 0.5, 1e-9, 1.5e300, True, False, None]
    bodies = [{"apiVersion": "v1", "kind": "Odd", "spec": {"numbers": numbers}}]

    found = kubernetes_reader.read("file", "".join(stream(bodies)).encode())

    assert repr(found.value) == repr(bodies)
