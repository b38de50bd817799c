"""Pushes an exported directory to a repository of the Hugging Face hub.

Only files that differ from the repository's are uploaded, all in one commit. The token is the one
of huggingface_hub (`HF_TOKEN`, or `hf auth login`); no message contains it.

A repository that saysel did not push is left alone. In one that it did, files that saysel does not
write, such as pictures for the card, stay as they are.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Literal

from saysel import hf
from saysel.errors import UsageError, require
from saysel.export.data_set import FILE
from saysel.export.hub_errors import hub_errors
from saysel.export.settings import FILE as SETTINGS
from saysel.storage import read_json

Kind = Literal["model", "dataset"]
#: The file by which saysel recognises what it has pushed.
MARK: Mapping[Kind, str] = {"model": SETTINGS, "dataset": FILE}
#: Files that a new repository may have.
INITIAL = (".gitattributes", "README.md")
#: Files of an earlier push that would contradict those of this one, such as an adapter's.
REPLACED = (
    *("*.safetensors", "*.safetensors.index.json", "*.bin"),
    *("config.json", "generation_config.json", "adapter_config.json", "chat_template.jinja"),
)
NAME = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


@dataclass(frozen=True)
class Changes:
    """What a push does to a repository; names of files, sorted."""

    directory: Path
    upload: Sequence[str]
    unchanged: Sequence[str]
    delete: Sequence[str]

    def lines(self) -> list[str]:
        """One line per file."""
        return [
            *(f"  upload     {name} ({_size(self.directory / name)})" for name in self.upload),
            *(f"  unchanged  {name}" for name in self.unchanged),
            *(f"  delete     {name}" for name in self.delete),
        ]


@dataclass(frozen=True)
class Repository:
    """A repository that may be pushed to.

    Attributes:
        name: `OWNER/NAME`.
        hashes: SHA-256 (large files) or git's hash of each file; `None`: it does not exist yet.
    """

    name: str
    kind: Kind
    public: bool
    hashes: Mapping[str, str] | None
    api: Any = field(repr=False)

    @property
    def url(self) -> str:
        """The repository's page."""
        return f"{self.api.endpoint}/{'datasets/' * (self.kind == 'dataset')}{self.name}"

    def title(self) -> str:
        """What is pushed to, in one line."""
        visibility = "public" if self.public else "private"
        what = "model" if self.kind == "model" else "data set"
        return f"{visibility} {what} {self.url}" + (" (new)" if self.hashes is None else "")

    def changes(self, directory: Path) -> Changes:
        """What a push of a directory would do.

        Raises:
            UsageError: it is an adapter whose base model is a file or directory of this machine.
        """
        _check_base(directory)
        known = self.hashes or {}
        names = sorted(path.name for path in directory.iterdir() if path.is_file())
        same = [n for n in names if known.get(n) in _hashes(directory / n)]
        old = [name for name in known if any(fnmatch(name, pattern) for pattern in REPLACED)]
        return Changes(
            directory,
            upload=[name for name in names if name not in same],
            unchanged=same,
            delete=sorted(set(old) - set(names)) if self.kind == "model" else [],
        )

    def push(self, changes: Changes) -> None:
        """Create the repository if it is new, and commit the changes, if there are any.

        Raises:
            SayselError: the hub refuses or cannot be reached.
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        operations = [
            *(CommitOperationAdd(name, changes.directory / name) for name in changes.upload),
            *(CommitOperationDelete(name) for name in changes.delete),
        ]
        with hub_errors(self.name, self.api.endpoint), warnings.catch_warnings():
            # Advice about the card, and deprecations that concern huggingface_hub's own code.
            warnings.simplefilter("ignore")
            if self.hashes is None:
                self.api.create_repo(self.name, repo_type=self.kind, private=not self.public)
            if operations:
                self.api.create_commit(
                    self.name, operations, commit_message="Push with saysel", repo_type=self.kind
                )


def open_repository(name: str, kind: Kind, public: bool) -> Repository:
    """Find out whether a repository can be pushed to; changes nothing.

    Raises:
        MissingExtra: huggingface_hub is not installed.
        UsageError: the name is malformed; there is no token, or one that may not write; the owner
            is somebody else; the repository has other content or another visibility.
        SayselError: the hub cannot be reached.
    """
    require("pushing to the hub", "hub", "huggingface_hub")
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RepositoryNotFoundError

    if not NAME.fullmatch(name):
        raise UsageError(
            f"--push {name}: write it as OWNER/NAME, with letters, digits, '-', '_' and '.'"
        )
    api: Any = HfApi()
    with hub_errors(name, api.endpoint):
        user = api.whoami()
    _check_owner(name, user)
    with hub_errors(name, api.endpoint):
        try:
            info = api.repo_info(name, repo_type=kind, files_metadata=True)
        except RepositoryNotFoundError:
            return Repository(name, kind, public, None, api)
    hashes = {
        file.rfilename: file.lfs.sha256 if file.lfs else file.blob_id
        for file in info.siblings or ()
    }
    repository = Repository(name, kind, not info.private, hashes, api)
    if set(hashes) - set(INITIAL) and MARK[kind] not in hashes:
        raise UsageError(f"{repository.url} has other content: name another repository")
    if repository.public != public:
        there, remedy = ("public", "add --public") if not public else ("private", "omit --public")
        raise UsageError(
            f"{repository.url} is {there}: {remedy}, or change the repository's settings"
        )
    return repository


def _check_owner(name: str, user: Mapping[str, Any]) -> None:
    """Raise if a token may only read, or its user is not the owner of a repository."""
    role = user.get("auth", {}).get("accessToken", {}).get("role")
    if role == "read":
        raise UsageError(
            f"--push {name}: the token may only read: create one that may write at "
            "https://huggingface.co/settings/tokens"
        )
    owners = [user["name"], *(organization["name"] for organization in user.get("orgs", ()))]
    # Fine-grained tokens do not list all organizations.
    if role != "fineGrained" and name.split("/")[0].lower() not in map(str.lower, owners):
        raise UsageError(
            f"--push {name}: the token's owner can push to {', '.join(owners)} only: "
            f"--push {owners[0]}/{name.split('/')[1]}"
        )


def _check_base(directory: Path) -> None:
    path = directory / "adapter_config.json"
    if path.is_file() and hf.is_local(base := str(read_json(path)["base_model_name_or_path"])):
        raise UsageError(
            f"the adapter's base model is on this machine ({base}), where others cannot load it: "
            "push a complete model with --merge"
        )


def _hashes(path: Path) -> tuple[str, str]:
    """SHA-256 of a file, and git's hash of it as a blob (SHA-1)."""
    large, small = hashlib.sha256(), hashlib.sha1(f"blob {path.stat().st_size}\0".encode())
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            large.update(block)
            small.update(block)
    return large.hexdigest(), small.hexdigest()


def _size(path: Path) -> str:
    size = float(path.stat().st_size)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.{0 if unit == 'bytes' else 1}f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
