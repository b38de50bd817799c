"""A real S3-compatible server, and working copies of different machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from saysel.mirror.bucket import Bucket
from saysel.mirror.folder import Folder
from saysel.mirror.store import Store

SECRET = "hush-this-must-not-be-shown"


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The endpoint of a server that starts with the first test that needs it."""
    for package in ("moto", "flask_cors", "s3fs"):
        pytest.importorskip(package, reason=f"{package} is not installed (extra dev)")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server: str, machine: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty bucket, which this process may use as machine `a`."""
    import s3fs

    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    name = f"bucket-{uuid4().hex[:8]}"
    s3fs.S3FileSystem(skip_instance_cache=True).mkdir(name)
    machine("a")
    return f"s3://{name}"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Continue as another machine, with separate working copies."""

    def use(name: str) -> Path:
        cache = tmp_path / "machines" / name
        monkeypatch.setenv("SAYSEL_CACHE", str(cache))
        return cache

    return use


@pytest.fixture(params=["bucket", "folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Both kinds of shared storage, empty; buckets also in a store that is not S3."""
    if request.param == "memory":
        return Bucket(f"memory://{uuid4().hex}/run")
    if request.param == "bucket":
        return Bucket(f"{request.getfixturevalue('bucket')}/run")
    return Folder(tmp_path / "drive" / "run")
