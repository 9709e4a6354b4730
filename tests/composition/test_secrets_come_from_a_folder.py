"""`--secrets DIR`: where a secret is looked for, and what never leads out of the folder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.composition.secret_files import SecretFolder
from shoal.errors import AccessDenied
from shoal.testing.hosts import run_in_thread


@pytest.fixture
def folder(tmp_path):
    secrets = tmp_path / "secrets"
    for path, content in {
        "default/token/token": b"long form",
        "token/token": b"short form",
        "short/key": b"only short",
        "team/token/user": b"ana",
        "team/token/..data": b"hidden",
    }.items():
        (secrets / path).parent.mkdir(parents=True, exist_ok=True)
        (secrets / path).write_bytes(content)
    (tmp_path / "outside").write_bytes(b"outside")
    (secrets / "team/token/leak").symlink_to(tmp_path / "outside")
    (secrets / "team/token/same").symlink_to("user")
    return secrets


async def test_the_form_with_a_namespace_is_preferred(folder):
    secrets = SecretFolder(folder, run_in_thread)

    assert await secrets.read("default", "token") == {"token": b"long form"}
    assert await secrets.read("default", "short") == {"key": b"only short"}


async def test_links_stay_inside_and_dot_files_are_passed_over(folder):
    found = await SecretFolder(folder, run_in_thread).read("team", "token")

    assert found == {"user": b"ana", "same": b"ana"}


@pytest.mark.parametrize("namespace", ["team", "other"])
async def test_the_short_form_is_for_the_namespace_default_only(folder, namespace):
    with pytest.raises(AccessDenied, match="is not in"):
        await SecretFolder(folder, run_in_thread).read(namespace, "short")


async def test_without_a_folder_the_option_is_named():
    with pytest.raises(AccessDenied) as caught:
        await SecretFolder(None, run_in_thread).read("default", "token")

    assert "--secrets" in caught.value.next_step


@given(st.text().filter(lambda text: "/" in text or ".." in text or "\0" in text or not text))
async def test_no_name_leads_anywhere_else(tmp_path_factory, name):
    folder = tmp_path_factory.getbasetemp()
    for pair in ((name, "token"), ("default", name)):
        with pytest.raises(AccessDenied, match="not a name"):
            await SecretFolder(folder, run_in_thread).read(*pair)
