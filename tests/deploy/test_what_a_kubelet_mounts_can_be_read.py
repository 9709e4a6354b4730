"""Volumes of a Pod: names that lead to a version, turned all at once when something changes."""

from __future__ import annotations

from pathlib import Path

import yaml
from tests.deploy.manifests import one, pod, settings
from tests.mounting import mount

from shoal.composition.configuration_file import read_file
from shoal.composition.secret_files import SecretFolder
from shoal.testing.hosts import run_in_thread


async def test_a_projected_secret_is_read_by_its_namespace_and_name(tmp_path: Path) -> None:
    (volume,) = (each for each in pod()["spec"]["volumes"] if each["name"] == "secrets")
    (item,) = volume["projected"]["sources"][0]["secret"]["items"]
    mount(tmp_path, {item["path"]: "one"})
    namespace, name, key = item["path"].split("/")
    secrets = SecretFolder(tmp_path, run_in_thread)
    first = await secrets.read(namespace, name)
    mount(tmp_path, {item["path"]: "two"})

    assert first == {key: b"one"}
    assert await secrets.read(namespace, name) == {key: b"two"}


def test_the_mounted_configuration_is_read_and_so_is_what_takes_its_place(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    told = {**settings(), "secrets": str(tmp_path / "secrets")}
    mount(tmp_path, {"config.yaml": yaml.safe_dump(told)})
    first = read_file(tmp_path / "config.yaml")
    mount(tmp_path, {"config.yaml": yaml.safe_dump({**told, "logLevel": "debug"})})
    second = read_file(tmp_path / "config.yaml")

    assert one("ConfigMap")["data"].keys() == {"config.yaml"}
    assert (first.problems, second.problems) == ((), ())
    assert first.values["fleet"].value == settings()["fleet"]
    assert second.values["log_level"].value == "debug"
