"""What nobody has named is not imported; what is named has to be what is installed."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, distribution
from pathlib import Path

import pytest

from shoal.composition.allowing import digest_of, how_to_name, is_built_in, read_named
from shoal.composition.loading import Plugins, installed_plugins, load_plugins
from shoal.errors import Permanent, ShoalError, UnknownName

CODE = """
from shoal.hooks import hookimpl

@hookimpl
def shoal_commands():
    return {"dance": "acme_dancing:dance"}
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that the distribution `acme.dancing` 1.2 is installed in, as pip does it."""
    (tmp_path / "acme_dancing.py").write_text(CODE)
    about = tmp_path / "acme_dancing-1.2.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme.dancing\nVersion: 1.2\n")
    (about / "entry_points.txt").write_text("[shoal]\ndancing = acme_dancing\n")
    (about / "INSTALLER").write_text("pip")
    lines = [_record(tmp_path, path) for path in sorted(tmp_path.rglob("*")) if path.is_file()]
    (about / "RECORD").write_text("\n".join([*lines, f"{about.name}/RECORD,,", ""]))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("acme_dancing", None)


def _record(root: Path, path: Path) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=")
    return f"{path.relative_to(root)},sha256={digest.decode()},{path.stat().st_size}"


def point() -> EntryPoint:
    return next(each for each in installed_plugins() if each.name == "dancing")


def load(*names: str) -> Plugins:
    return load_plugins(named=[read_named(name) for name in names])


def test_a_plugin_that_nobody_has_named_is_not_imported(site: Path) -> None:
    plugins = load()

    assert "acme_dancing" not in sys.modules
    assert [one.plugin for one in plugins.left_out] == ["dancing"]
    assert "dance" not in plugins.commands
    assert "git" in plugins.sources


@pytest.mark.parametrize("name", ["acme.dancing", "Acme_Dancing", "acme-dancing==1.2"])
def test_a_plugin_that_is_named_is_loaded(site: Path, name: str) -> None:
    plugins = load(name)

    assert plugins.commands["dance"] == "acme_dancing:dance"
    assert plugins.left_out == ()


def test_the_name_that_is_proposed_holds_every_file(site: Path) -> None:
    exact = how_to_name(point())
    before = load(exact)
    (site / "acme_dancing.py").write_text(CODE.replace("dance", "prance"))
    sys.modules.pop("acme_dancing")

    assert exact.startswith("acme.dancing==1.2@sha256:")
    assert "dance" in before.commands
    with pytest.raises(Permanent, match="are not those that are named: their digest is"):
        load(exact)
    assert "acme_dancing" not in sys.modules


def test_what_an_installer_writes_does_not_change_the_digest(site: Path) -> None:
    about = site / "acme_dancing-1.2.dist-info"
    before = how_to_name(point())
    (about / "INSTALLER").write_text("uv")

    assert how_to_name(point()) == before


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("acme.dancing==1.3", Permanent, "named in version 1.3, and installed in version 1.2"),
        ("acme.dancign", UnknownName, "did you mean acme-dancing?"),
        (f"acme.dancing@sha256:{'0' * 64}", Permanent, "are not those that are named"),
        ("acme dancing", Permanent, "does not name a plugin's distribution"),
        ("acme>=1", Permanent, "does not name a plugin's distribution"),
        ("acme@sha256:abc", Permanent, "does not name a plugin's distribution"),
    ],
)
def test_a_name_that_does_not_fit_is_an_error_and_nothing_is_imported(
    site: Path, name: str, error: type[ShoalError], message: str
) -> None:
    with pytest.raises(error, match=message):
        load(name)
    assert "acme_dancing" not in sys.modules


def test_no_digest_holds_what_is_installed_from_a_folder(site: Path) -> None:
    url = {"url": "file:///src/acme", "dir_info": {"editable": True}}
    (site / "acme_dancing-1.2.dist-info/direct_url.json").write_text(json.dumps(url))

    assert how_to_name(point()) == "acme.dancing==1.2"
    with pytest.raises(Permanent, match="installed from a folder that may change"):
        load(f"acme.dancing@sha256:{digest_of(distribution('acme.dancing'))}")


def test_a_strangers_module_is_not_ours_whatever_its_distribution_is_called(site: Path) -> None:
    about = site / "acme_dancing-1.2.dist-info"
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: shoal\nVersion: 9\n")

    assert not any(is_built_in(each) for each in installed_plugins() if each.name == "dancing")
    assert "acme_dancing" not in sys.modules
