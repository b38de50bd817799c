"""What shared storage has to be able to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path


class Store(ABC):
    """Files by name, such as `stages/sample-0123/part-00000.parquet`, at an address.

    A file appears whole or not at all, and can be read as soon as it is written. All methods raise
    a `SayselError` of one line, without credentials, if the store cannot be used.

    Attributes:
        address: what people call it: `s3://bucket/run`.
    """

    address: str

    @abstractmethod
    def below(self, folder: str) -> Store:
        """The store of the files in a folder."""

    @abstractmethod
    def list(self, folder: str = "") -> dict[str, str]:
        """All files in a folder and below: the stamp of each by its name.

        Files have the same stamp only if they have the same content.
        """

    @abstractmethod
    def get(self, name: str, path: Path) -> None:
        """Copy a file to this machine."""

    @abstractmethod
    def put(self, path: Path, name: str) -> str:
        """Write a file of this machine to the store, and return its stamp."""

    @abstractmethod
    def read(self, name: str) -> bytes | None:
        """The content of a file; `None` if there is none."""

    @abstractmethod
    def write(self, name: str, content: bytes) -> None:
        """Write a file, or replace it."""

    @abstractmethod
    def create(self, name: str, content: bytes) -> bool:
        """Write a file unless there is one; of several processes only one succeeds."""

    @abstractmethod
    def delete(self, names: Iterable[str]) -> None:
        """Delete files, if they exist."""
