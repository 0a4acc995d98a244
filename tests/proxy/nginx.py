"""nginx with the site of `deploy/nginx`, on a port of loopback, with a certificate of its own."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SITES = Path(__file__).parents[2] / "deploy" / "nginx"

NAME = "localhost"
"""The public name of the server."""

_MAIN = """\
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 256; }}
http {{
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/conf.d/*.conf;
}}
"""


@dataclass(frozen=True)
class Proxy:
    """A running nginx."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Its public address."""
        return f"https://{NAME}:{self.port}"

    @property
    def certificate(self) -> Path:
        """The certificate, which is its own authority."""
        return self.folder / "server.crt"

    @property
    def log(self) -> str:
        """Everything that was logged so far."""
        logs = (self.folder / "access.log", self.folder / "error.log")
        return "".join(path.read_text() for path in logs if path.exists())


def free_port() -> int:
    """Return a port of loopback that nothing listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def version_of(command: str) -> str:
    """Return the version that a command of nginx states."""
    said = subprocess.run(
        [*shlex.split(command), "-v"], capture_output=True, text=True, check=True
    ).stderr
    return said.strip().rpartition("/")[2]


@contextmanager
def proxy(command: str, folder: Path, port: int, server_port: int) -> Generator[Proxy]:
    """Run nginx in front of a server until the context is left.

    Args:
        command: what runs nginx, with its first arguments.
        folder: an empty folder for its files.
        port: the port of loopback that it listens on.
        server_port: the port of the server behind it.

    Raises:
        AssertionError: nginx refuses the site, or warns about it.
    """
    running = Proxy(folder, port)
    _write_site(running, server_port)
    _write_certificate(folder)
    options = ["-e", str(folder / "error.log"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    nginx = [*shlex.split(command), *options]
    tested = subprocess.run([*nginx, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    assert "[warn]" not in tested.stderr, tested.stderr
    process = subprocess.Popen(nginx)
    try:
        _wait_for(running.port, process)
        yield running
    finally:
        process.terminate()
        process.wait(timeout=30)


def _write_site(running: Proxy, server_port: int) -> None:
    """Write the site as it is shipped, with the ports and folders of this test."""
    folder = running.folder
    (folder / "conf.d").mkdir(parents=True)
    site = (SITES / "evals-mcp.conf").read_text()
    site = site.replace("listen 443 ssl", f"listen 127.0.0.1:{running.port} ssl")
    site = site.replace("/etc/nginx/tls/", f"{folder}/")
    site = re.sub(r"/var/log/nginx/[\w.-]+", f"{folder}/access.log", site)
    upstream = (SITES / "upstream-host.conf").read_text()
    upstream = upstream.replace("127.0.0.1:8000", f"127.0.0.1:{server_port}")
    (folder / "conf.d" / "evals-mcp.conf").write_text(site)
    (folder / "conf.d" / "upstream-host.conf").write_text(upstream)
    (folder / "nginx.conf").write_text(_MAIN.format(folder=folder))


def _write_certificate(folder: Path) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "server.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until nginx listens; at most 30 seconds, in which it may not end."""
    deadline = datetime.now(UTC) + timedelta(seconds=30)
    while datetime.now(UTC) < deadline:
        assert process.poll() is None, "nginx has ended"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            continue
        return
    raise AssertionError(f"nginx does not listen on port {port}")
