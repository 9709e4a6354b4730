"""Access by kubeconfig: what is read, what is refused, and that nothing secret is left open."""

from __future__ import annotations

import base64
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from tests.access.conftest import kubeconfig, written

from shoal.errors import AccessDenied, InvalidDocument
from shoal.hooks.host import Host
from shoal_clusters.access.kubeconfig import Kubeconfig, KubeconfigSpec

CA = base64.b64encode(b"the authority").decode()


async def test_a_token_user_is_read_and_read_again_each_time(host: Host) -> None:
    path = written(host, kubeconfig({"token": "one"}, **{"certificate-authority-data": CA}))
    endpoint = await Kubeconfig().connect(KubeconfigSpec(path="kubeconfig"), host)
    first = await endpoint.credential()
    path.write_text(path.read_text().replace("token: one", "token: two"))

    assert endpoint.server == "https://10.0.0.1:6443"
    assert Path(endpoint.ca_file).read_bytes() == b"the authority"
    assert first.token == "one"
    assert (await endpoint.credential()).token == "two"
    assert "token" not in repr(first)


async def test_a_refused_file_is_read_again_soon_and_a_program_seldom(host: Host) -> None:
    path = written(host, kubeconfig({"token": "one"}))
    from_file = await Kubeconfig().connect(KubeconfigSpec(path="kubeconfig"), host)
    path.write_text(yaml.safe_dump(kubeconfig({"exec": {"command": sys.executable}})))
    from_program = await Kubeconfig().connect(KubeconfigSpec(path="kubeconfig"), host)

    assert from_file.credential_interval.total_seconds() == 10
    assert from_program.credential_interval.total_seconds() == 300


async def test_inline_certificates_become_private_files(host: Host) -> None:
    pem = base64.b64encode(b"secret").decode()
    user = {"client-certificate-data": pem, "client-key-data": pem}
    written(host, kubeconfig(user))
    endpoint = await Kubeconfig().connect(KubeconfigSpec(path="kubeconfig"), host)
    credential = await endpoint.credential()
    again = await endpoint.credential()

    file = Path(credential.client_key_file)
    assert file.read_bytes() == b"secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.is_relative_to(host.cache_folder)
    assert again == credential
    assert len(list(host.cache_folder.iterdir())) == 1


async def test_files_beside_the_kubeconfig_are_found_relative_to_it(host: Host) -> None:
    path = written(host, kubeconfig({"tokenFile": "token"}, **{"certificate-authority": "ca.crt"}))
    (path.parent / "token").write_text("from-a-file\n")
    (path.parent / "ca.crt").write_text("the authority")
    endpoint = await Kubeconfig().connect(KubeconfigSpec(path="kubeconfig"), host)

    assert endpoint.ca_file == str(path.parent / "ca.crt")
    assert (await endpoint.credential()).token == "from-a-file"


@pytest.mark.parametrize(
    ("document", "spec", "says"),
    [
        (kubeconfig({"token": "t"}), {"context": "dve"}, "did you mean dev"),
        ({**kubeconfig({}), "current-context": ""}, {}, "no current-context"),
        (kubeconfig({"token": "t"}, server="http://10.0.0.1"), {}, "https://"),
        ("not a mapping", {}, "not a kubeconfig"),
        (kubeconfig({}, **{"certificate-authority-data": "%"}), {}, "not base64"),
    ],
)
async def test_what_is_wrong_with_the_file_is_said_in_one_sentence(
    host: Host, document: object, spec: dict[str, str], says: str
) -> None:
    written(host, document)
    with pytest.raises(InvalidDocument) as raised:
        await Kubeconfig().connect(KubeconfigSpec(path="kubeconfig", **spec), host)

    assert says in str(raised.value)


async def test_a_missing_file_names_the_path(host: Host) -> None:
    with pytest.raises(InvalidDocument, match=r"nowhere.*cannot be read"):
        await Kubeconfig().connect(KubeconfigSpec(path="nowhere"), host)


async def test_skipping_tls_verification_is_refused(host: Host) -> None:
    written(host, kubeconfig({"token": "t"}, **{"insecure-skip-tls-verify": True}))
    with pytest.raises(AccessDenied, match="insecure-skip-tls-verify"):
        await Kubeconfig().connect(KubeconfigSpec(path="kubeconfig"), host)


async def test_a_user_without_a_credential_is_denied(host: Host) -> None:
    written(host, kubeconfig({}))
    endpoint = await Kubeconfig().connect(KubeconfigSpec(path="kubeconfig"), host)
    with pytest.raises(AccessDenied, match="neither a token nor a client certificate"):
        await endpoint.credential()


async def test_a_program_that_is_not_listed_is_not_run(host: Host, tmp_path: Path) -> None:
    flag = tmp_path / "it-ran"
    program = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "touch",
        "args": [str(flag)],
    }
    written(host, kubeconfig({"exec": program}))
    endpoint = await Kubeconfig().connect(KubeconfigSpec(path="kubeconfig"), host)
    with pytest.raises(AccessDenied, match="touch, which is not allowed"):
        await endpoint.credential()

    assert not flag.exists()


async def test_a_listed_program_gives_its_token_and_expiry(host: Host) -> None:
    answer = (
        '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",'
        ' "status": {"token": "from-a-program", "expirationTimestamp": "2030-01-01T00:00:00Z"}}'
    )
    program = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": ["-c", f"print('''{answer}''')"],
    }
    written(host, kubeconfig({"exec": program}))
    endpoint = await Kubeconfig().connect(KubeconfigSpec(path="kubeconfig"), host)
    credential = await endpoint.credential()

    assert credential.token == "from-a-program"
    assert credential.expires_at is not None
    assert credential.expires_at.year == 2030
    assert credential.renews_itself
    assert not credential.is_expiring(datetime(2029, 12, 31, tzinfo=UTC))


async def test_a_program_that_fails_is_quoted_in_one_line(host: Host) -> None:
    program = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": ["-c", "import sys; sys.exit('log in first')"],
    }
    written(host, kubeconfig({"exec": program}))
    endpoint = await Kubeconfig().connect(KubeconfigSpec(path="kubeconfig"), host)
    with pytest.raises(AccessDenied, match="log in first"):
        await endpoint.credential()
