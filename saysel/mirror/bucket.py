"""An object store, through fsspec.

Credentials and endpoints are those of the store's own tools: environment variables, configuration
files, or fsspec's configuration. None is taken from an address, which manifests and logs repeat.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from saysel.errors import MissingExtra, SayselError, StageError, UsageError
from saysel.mirror.store import Store

#: What identifies the content of an object, in the words of different stores; the first counts.
STAMPS = (
    *("ETag", "etag", "md5Hash", "content_md5", "generation", "blob_id", "LastModified"),
    *("last_modified", "mtime", "modified", "modify", "modificationTime", "created"),
)


class Bucket(Store):
    """The objects of a bucket below a prefix."""

    def __init__(self, address: str) -> None:
        """Connect to a store; the bucket need not exist.

        Raises:
            UsageError: the address has a password, or a package is missing.
        """
        self.address = address.rstrip("/")
        if re.search(r"//[^/@]*:[^/@]*@", address):
            raise UsageError(
                "the address of a run must not have a password, because logs repeat it: put "
                "credentials where the tools of the store read them"
            )
        self._files, self._root = _file_system(self.address)

    def below(self, folder: str) -> Bucket:
        return Bucket(f"{self.address}/{folder}")

    def list(self, folder: str = "") -> dict[str, str]:
        root = self._path(folder) if folder else self._root
        with self._explained():
            self._files.invalidate_cache()
            try:
                found: Mapping[str, Any] = self._files.find(root, detail=True)
            except FileNotFoundError:
                return {}
        start = len(self._root) + 1
        return {path[start:]: _stamp(info) for path, info in found.items() if len(path) > start}

    def get(self, name: str, path: Path) -> None:
        with self._explained(name):
            self._files.get_file(self._path(name), str(path))

    def put(self, path: Path, name: str) -> str:
        with self._explained():
            self._files.put_file(str(path), self._path(name))
            return _stamp(self._files.info(self._path(name)))

    def read(self, name: str) -> bytes | None:
        with self._explained():
            try:
                content: bytes = self._files.cat_file(self._path(name))
            except FileNotFoundError:
                return None
        return content

    def write(self, name: str, content: bytes) -> None:
        with self._explained():
            self._files.pipe_file(self._path(name), content)

    def create(self, name: str, content: bytes) -> bool:
        with self._explained():
            try:
                self._files.pipe_file(self._path(name), content, mode="create")
            except FileExistsError:
                return False
            except OSError as error:
                # Only some versions of s3fs translate the answer that the object exists.
                if "precondition" in str(error).lower() or "412" in str(error):
                    return False
                raise
        return True

    def delete(self, names: Iterable[str]) -> None:
        paths = [self._path(name) for name in names]
        if paths:
            with self._explained():
                try:
                    self._files.rm(paths)
                except FileNotFoundError:  # some stores delete none if one does not exist
                    for path in paths:
                        with suppress(FileNotFoundError):
                            self._files.rm_file(path)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextmanager
    def _explained(self, name: str = "") -> Iterator[None]:
        """Turn errors of the store into one line.

        Raises:
            UsageError: the bucket does not exist, or access is denied.
            StageError: the store cannot be reached.
        """
        try:
            yield
        except SayselError:
            raise
        except FileNotFoundError:
            raise UsageError(
                f"{self.address}/{name}".rstrip("/") + ": there is no such bucket or object"
            ) from None
        except Exception as error:
            if isinstance(error, PermissionError) or "Credential" in type(error).__name__:
                raise UsageError(
                    f"{self.address}: access is denied ({_one_line(error)}): check the credentials "
                    "and what they permit"
                ) from None
            raise StageError(
                f"{self.address}: the store cannot be used ({_one_line(error)}): check the network "
                "and the endpoint; the same command continues"
            ) from None


def _file_system(address: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ModuleNotFoundError:
        raise MissingExtra(address, "fsspec", "remote") from None
    try:
        # Listings must be new, and file systems are not shared with other code of this process.
        files, root = url_to_fs(address, use_listings_cache=False, skip_instance_cache=True)
    except (ImportError, ValueError) as error:
        # fsspec names the package: "Install s3fs to access S3".
        raise UsageError(f"{address}: cannot be opened ({_one_line(error)})") from None
    return files, root.rstrip("/")


def _stamp(info: Mapping[str, Any]) -> str:
    known = next((info[key] for key in STAMPS if info.get(key)), None)
    if known is None:
        raise UsageError(
            f"{info.get('name')}: the store does not tell when a file has changed, so a run cannot "
            "be kept there: use another one"
        )
    if isinstance(known, datetime):  # some stores give it in one form or the other
        known = known.timestamp()
    return f"{info.get('size')} {known}".replace('"', "")


def _one_line(error: BaseException) -> str:
    """The first line of an error, without what may be a secret in an address."""
    text = str(error).strip().partition("\n")[0] or type(error).__name__
    text = re.sub(r"//[^/@\s]+@", "//", text)
    return re.sub(r"\?[^\s'\")]*", "?…", text)
