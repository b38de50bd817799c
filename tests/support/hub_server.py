"""A small stand-in for the Hugging Face hub: what huggingface_hub asks when it pushes.

A real server on the loopback interface. It keeps repositories with their files, stores files of
`LARGE` bytes and more as Git LFS objects, and refuses what the hub refuses.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from typing_extensions import Self

#: Bytes from which a file is an LFS object.
LARGE = 20_000
LICENSES = ("apache-2.0", "mit", "unknown", "other")
OWNER = "nora"
TOKENS = {
    "hf_writer": {"role": "write", "orgs": ["lab"]},
    "hf_reader": {"role": "read", "orgs": []},
    # May write to nothing, which only the attempt shows.
    "hf_narrow": {"role": "fineGrained", "orgs": []},
}


@dataclass
class Repository:
    """A repository of the hub: its files and how often it was committed to."""

    private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    commits: list[list[str]] = field(default_factory=list)

    def siblings(self) -> list[dict[str, Any]]:
        return [
            {
                "rfilename": name,
                "size": len(content),
                "blobId": git_hash(content),
                **({"lfs": lfs(content)} if len(content) >= LARGE else {}),
            }
            for name, content in self.files.items()
        ]


def git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def lfs(content: bytes) -> dict[str, Any]:
    sha = hashlib.sha256(content).hexdigest()
    return {"sha256": sha, "size": len(content), "pointerSize": 130}


class HubServer:
    """Serves the hub's API from a background thread inside a `with` block.

    Attributes:
        url: for `HF_ENDPOINT`.
        repositories: by kind and name, such as `("model", "nora/mine")`.
        uploads: hashes of the LFS objects that were uploaded, in order.
        failing: replies to every request with this status and text, if set.
    """

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.uploads: list[str] = []
        self.failing: tuple[int, str] | None = None

    def __enter__(self) -> Self:
        hub = self

        class Handler(_Handler):
            server_hub = hub

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Refused(Exception):
    """A reply that is no success: status, message, and the hub's code."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_hub: HubServer

    def log_message(self, *_: object) -> None:
        """Silent."""

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_PUT(self) -> None:
        self._answer("PUT")

    def _answer(self, method: str) -> None:
        body, headers = self._body(), {}
        try:
            status, reply = 200, self._reply(method, body)
        except Refused as refused:
            status, message, *code = refused.args
            reply = {"error": message}
            headers = {"X-Error-Message": message, **({"X-Error-Code": code[0]} if code else {})}
        if isinstance(reply, tuple):
            status, reply = reply
        content = json.dumps(reply).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _reply(self, method: str, body: bytes) -> Any:
        hub, path = self.server_hub, self.path.partition("?")[0]
        if hub.failing is not None:
            status, message = hub.failing
            raise Refused(status, message.format(token=self._token()))
        if method == "PUT":
            content_hash = path.removeprefix("/objects/")
            assert hashlib.sha256(body).hexdigest() == content_hash
            hub.objects[content_hash] = body
            hub.uploads.append(content_hash)
            return {}
        if path == "/api/whoami-v2":
            return self._whoami()
        if path == "/api/validate-yaml":
            return self._validated(json.loads(body)["content"])
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if found := re.fullmatch(r"/(datasets/)?([^/]+/[^/]+)\.git/info/lfs/objects/batch", path):
            return self._batch(json.loads(body))
        found = re.fullmatch(r"/api/(model|dataset)s/([^/]+/[^/]+)(?:/(\w+)/main)?", path)
        if found is None:
            raise Refused(404, f"There is no {path}")
        repository = hub.repositories.get((found[1], found[2]))
        if repository is None:
            raise Refused(404, "Repository not found", "RepoNotFound")
        if found[3] == "preupload":
            return self._upload_modes(repository, json.loads(body))
        if found[3] == "commit":
            page = f"{hub.url}/{'datasets/' * (found[1] == 'dataset')}{found[2]}"
            return self._commit(repository, page, body)
        return {
            **{"id": found[2], "sha": f"{len(repository.commits):040}"},
            **{"private": repository.private, "tags": [], "downloads": 0, "likes": 0},
            "siblings": repository.siblings(),
        }

    def _token(self) -> str:
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ")

    def _whoami(self) -> Any:
        if self._token() not in TOKENS:
            raise Refused(401, "Invalid credentials in Authorization header")
        token = TOKENS[self._token()]
        return {
            "name": OWNER,
            "orgs": [{"name": name} for name in token["orgs"]],
            "auth": {"type": "access_token", "accessToken": {"role": token["role"]}},
        }

    def _must_write(self) -> None:
        if self._token() != "hf_writer":
            raise Refused(403, "Forbidden: you must use a token with write permission")

    def _validated(self, card: str) -> Any:
        given = re.search(r"^license: (.*)$", card, re.MULTILINE)
        assert given is not None
        if given[1] in LICENSES:
            return {"errors": [], "warnings": []}
        return 400, {"errors": [{"message": '"license" must be one of [apache-2.0, mit, …]'}]}

    def _create(self, request: dict[str, Any]) -> Any:
        self._must_write()
        name = f"{request.get('organization') or OWNER}/{request['name']}"
        private = request.get("private", request.get("visibility") == "private")
        kind = request.get("type") or "model"
        self.server_hub.repositories[kind, name] = Repository(private, {".gitattributes": b"*"})
        return {"url": f"{self.server_hub.url}/{name}", "name": name, "id": "1"}

    def _upload_modes(self, repository: Repository, request: dict[str, Any]) -> Any:
        self._must_write()
        return {
            "files": [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["size"] >= LARGE else "regular",
                    "shouldIgnore": False,
                }
                for file in request["files"]
            ]
        }

    def _batch(self, request: dict[str, Any]) -> Any:
        self._must_write()
        return {
            "transfer": "basic",
            "objects": [
                {
                    **wanted,
                    "actions": {
                        "upload": {"href": f"{self.server_hub.url}/objects/{wanted['oid']}"}
                    },
                }
                for wanted in request["objects"]
            ],
        }

    def _commit(self, repository: Repository, page: str, body: bytes) -> Any:
        self._must_write()
        names = []
        for line in body.decode().splitlines():
            operation = json.loads(line)
            value = operation["value"]
            if operation["key"] == "file":
                repository.files[value["path"]] = base64.b64decode(value["content"])
            elif operation["key"] == "lfsFile":
                repository.files[value["path"]] = self.server_hub.objects[value["oid"]]
            elif operation["key"] == "deletedFile":
                del repository.files[value["path"]]
            if operation["key"] != "header":
                names.append(value["path"])
        repository.commits.append(sorted(names))
        oid = f"{len(repository.commits):040}"
        return {"commitUrl": f"{page}/commit/{oid}", "commitOid": oid}
