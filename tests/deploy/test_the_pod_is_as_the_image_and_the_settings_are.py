"""Ports, users, folders and probes: what the manifests, the image and the settings say together."""

from __future__ import annotations

from typing import Any

from tests.deploy.manifests import DEPLOY, instructions, one, pod, settings

from shoal.composition.configuration_file import Configuration

IMAGE = list(instructions((DEPLOY / "Containerfile").read_text()))


def last(word: str) -> str:
    return [rest for each, rest in IMAGE if each == word][-1]


def container() -> dict[str, Any]:
    (found,) = pod()["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def mounts() -> dict[str, str]:
    return {each["name"]: each["mountPath"] for each in container()["volumeMounts"]}


def ports() -> dict[str, int]:
    return {each["name"]: each["containerPort"] for each in container()["ports"]}


def test_the_configuration_is_one_that_the_controller_takes() -> None:
    taken = Configuration.model_validate(settings(), by_alias=True, by_name=False)

    assert taken.fleet == settings()["fleet"]


def test_it_is_mounted_where_it_is_looked_for_and_its_folders_are_volumes() -> None:
    assert mounts()["configuration"] == "/etc/shoal"
    assert one("ConfigMap")["data"].keys() == {"config.yaml"}
    assert settings()["secrets"] == mounts()["secrets"]


def test_the_state_is_inside_the_volume_whose_root_belongs_to_root() -> None:
    assert settings()["state"].startswith(f"{mounts()['state']}/")
    assert f"HOME={mounts()['state']} " in last("ENV")


def test_what_is_written_beside_it_goes_to_the_scratch_volume() -> None:
    assert container()["securityContext"]["readOnlyRootFilesystem"] is True
    assert f"XDG_CACHE_HOME={mounts()['scratch']}/" in last("ENV")


def test_the_ports_are_those_of_the_settings_the_image_the_service_and_the_policy() -> None:
    listened = {settings()["webhookListen"], settings()["metricsListen"]}
    allowed = one("NetworkPolicy")["spec"]["ingress"][0]["ports"]
    served = one("Service")["spec"]["ports"]

    assert listened == {f"0.0.0.0:{port}" for port in ports().values()}
    assert sorted(ports().values()) == [int(port) for port in last("EXPOSE").split()]
    assert sorted(each["port"] for each in allowed) == sorted(ports().values())
    assert {each["targetPort"]: each["port"] for each in served} == ports()


def test_the_user_is_nobody_of_note_and_the_same_in_the_image() -> None:
    context = pod()["spec"]["securityContext"]

    assert last("USER") == f"{context['runAsUser']}:{context['runAsGroup']}"
    assert context["fsGroup"] == context["runAsGroup"] > 0


def test_the_image_runs_the_controller_under_a_process_that_hands_signals_on() -> None:
    assert last("ENTRYPOINT") == '["tini", "--", "shoal"]'
    assert last("CMD") == '["run"]'
    assert container()["args"] == ["run"]


def test_the_controller_is_alone_and_is_asked_whether_it_lives() -> None:
    assert one("StatefulSet")["spec"]["replicas"] == 1
    probes = [container()[f"{each}Probe"]["httpGet"] for each in ("liveness", "readiness")]
    assert probes == [
        {"path": "/healthz", "port": "metrics"},
        {"path": "/readyz", "port": "metrics"},
    ]


def test_renders_leave_half_of_the_memory_to_the_controller() -> None:
    limit = container()["resources"]["limits"]["memory"]
    told = settings()

    assert limit.endswith("Gi")
    assert told["rendersAtOnce"] * told["renderMemoryMib"] <= int(limit[:-2]) * 1024 / 2
