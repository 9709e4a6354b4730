"""Volumes of a Pod: names that lead to a version, turned all at once when something changes."""

from __future__ import annotations

from pathlib import Path

import yaml
from tests.deploy.manifests import one, pod, settings

from shoal.composition.configuration_file import read_file
from shoal.composition.secret_files import SecretFolder
from shoal.testing.hosts import run_in_thread


def mounted(folder: Path, version: str, **files: str) -> None:
    """Write files as a kubelet does: a version of them all, and `..data` turned to it."""
    for path, text in files.items():
        file = folder / f"..{version}" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        top = Path(path).parts[0]
        if not (folder / top).is_symlink():
            (folder / top).symlink_to(Path("..data") / top)
    (folder / "..next").symlink_to(f"..{version}")
    (folder / "..next").rename(folder / "..data")


async def test_a_projected_secret_is_read_by_its_namespace_and_name(tmp_path: Path) -> None:
    (volume,) = (each for each in pod()["spec"]["volumes"] if each["name"] == "secrets")
    (item,) = volume["projected"]["sources"][0]["secret"]["items"]
    mounted(tmp_path, "1", **{item["path"]: "one"})
    namespace, name, key = item["path"].split("/")
    secrets = SecretFolder(tmp_path, run_in_thread)
    first = await secrets.read(namespace, name)
    mounted(tmp_path, "2", **{item["path"]: "two"})

    assert first == {key: b"one"}
    assert await secrets.read(namespace, name) == {key: b"two"}


def test_the_mounted_configuration_is_read_and_so_is_what_takes_its_place(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    told = {**settings(), "secrets": str(tmp_path / "secrets")}
    mounted(tmp_path, "1", **{"config.yaml": yaml.safe_dump(told)})
    first = read_file(tmp_path / "config.yaml")
    mounted(tmp_path, "2", **{"config.yaml": yaml.safe_dump({**told, "logLevel": "debug"})})
    second = read_file(tmp_path / "config.yaml")

    assert one("ConfigMap")["data"].keys() == {"config.yaml"}
    assert (first.problems, second.problems) == ((), ())
    assert first.values["fleet"].value == settings()["fleet"]
    assert second.values["log_level"].value == "debug"
