"""Masking: no value that could be a secret is shown."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.kubernetes.samples import config_map, deployment, key_of, secret

from shoal_clusters.kubernetes.masking import MASK, MESSAGE_LIMIT, cut, mask_patch, scrub

SECRET, WEB, SETTINGS = key_of(secret()), key_of(deployment()), key_of(config_map())


def masked(key: Any, path: str, value: Any) -> Any:
    (operation,) = mask_patch(key, [{"op": "replace", "path": path, "value": value}])
    assert operation["path"] == path
    return operation["value"]


def test_a_secrets_value_is_masked_wherever_a_patch_starts() -> None:
    assert masked(SECRET, "/data/password", "eA==") == MASK
    assert masked(SECRET, "/data", {"password": "eA=="}) == {"password": MASK}
    assert masked(SECRET, "", {"data": {"a": "eA=="}, "type": "Opaque"}) == {
        "data": {"a": MASK},
        "type": "Opaque",
    }


def test_an_environment_variable_is_masked_and_its_name_is_shown() -> None:
    env = [{"name": "TOKEN", "value": "tide"}]
    path = "/spec/template/spec/containers/0"

    assert masked(WEB, f"{path}/env/0/value", "tide") == MASK
    assert masked(WEB, f"{path}/env", env) == [{"name": "TOKEN", "value": MASK}]
    assert masked(WEB, path, {"image": "web:1", "env": env})["image"] == "web:1"


def test_a_copy_of_the_whole_object_in_an_annotation_is_masked() -> None:
    path = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"

    assert masked(SETTINGS, path, "{}") == MASK


def test_ordinary_values_are_shown_and_long_ones_are_cut() -> None:
    assert masked(SETTINGS, "/data/colour", "red") == "red"
    assert masked(SETTINGS, "/data/colour", "x" * 5000).endswith("(5000 characters)")


def test_an_operation_without_a_value_stays_as_it_is() -> None:
    operation = {"op": "remove", "path": "/data/password"}

    assert mask_patch(SECRET, [operation]) == (operation,)


def test_values_that_a_server_prints_into_messages_are_scrubbed() -> None:
    text = 'spec: Invalid value: core.PodTemplateSpec{A:core.B{C:"tide"}}: field is immutable'

    assert "tide" not in scrub(text)
    assert scrub(text).endswith("field is immutable")
    assert "tide" not in scrub(
        '.data.a: expected string, got &value.valueUnstructured{Value:"tide"}'
    )
    assert "tide" not in scrub('x: Invalid value: "a \\" tide": too odd')


@given(st.text())
def test_a_message_is_one_line_of_bounded_length(text: str) -> None:
    assert len(cut(text)) <= MESSAGE_LIMIT
    assert "\n" not in cut(text)
    assert len(scrub(text)) <= MESSAGE_LIMIT


def test_an_endless_or_broken_message_is_scrubbed_too() -> None:
    for text in ("x" * 16_384, "." * 16_384, "{" * 16_384, 'Invalid value: "' + "tide " * 3000):
        assert "tide" not in scrub(text)
