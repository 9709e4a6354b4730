"""The published fixtures do what their docstrings say."""

import pytest

from shoal.errors import AccessDenied


async def test_a_host_has_folders_of_its_own_and_the_secrets_given(shoal_host):
    host = shoal_host(secrets={"default/token": {"token": b"x"}})

    assert await host.secrets.read("default", "token") == {"token": b"x"}
    with pytest.raises(AccessDenied):
        await host.secrets.read("default", "other")
    assert await host.run_in_thread(host.cache_folder.is_dir)
    assert await host.run_in_thread(host.base_folder.is_dir)


def test_only_the_plugins_named_are_loaded(shoal_plugins):
    plugins = shoal_plugins("rendering")

    assert {one.plugin for one in (*plugins.registrations, *plugins.failed)} == {"rendering"}


def test_a_controller_answers_on_a_socket(shoal_controller):
    assert (shoal_controller.state / "api.sock").is_socket()
