"""Members of a zip archive, compressed with deflate or Zstandard."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from zipfile import BadZipFile, ZipFile, ZipInfo

from saysel.errors import DataError
from saysel.files import content

ZIP = b"PK\x03\x04"
#: APPNOTE 4.4.5 of the zip format. Python's zipfile knows it from 3.14 on.
ZSTANDARD = 93
#: Length of a local file header, and where it gives the lengths of the name and extra field.
HEADER_BYTES, LENGTHS_AT = 30, 26


class Archive:
    """A zip archive in memory.

    Attributes:
        names: the names of its members, each once. If a name occurs twice, the last one counts.
    """

    def __init__(self, packed: bytes, path: Path) -> None:
        """Read the directory of the archive.

        Raises:
            DataError: it is damaged, or its members unpack to too much.
        """
        self.packed = packed
        self.path = path
        try:
            members = ZipFile(io.BytesIO(packed)).infolist()
        except (BadZipFile, ValueError, OSError, struct.error, NotImplementedError) as error:
            raise self._damaged(error) from None
        self._members = {member.filename: member for member in members}
        if sum(member.file_size for member in self._members.values()) > content.MAX_UNPACKED:
            raise DataError(f"{path}: unpacks to more than {content.MAX_UNPACKED >> 30} GiB")
        self.names = tuple(self._members)

    def read(self, name: str) -> bytes:
        """The content of a member.

        Raises:
            DataError: it is damaged, or compressed in another way.
        """
        member = self._members[name]
        try:
            if member.compress_type == ZSTANDARD:
                return self._zstandard(member)
            return ZipFile(io.BytesIO(self.packed)).read(member)
        except (BadZipFile, zlib.error, EOFError, OSError, ValueError, struct.error) as error:
            raise self._damaged(f"{name}: {error}") from None
        except (NotImplementedError, RuntimeError) as error:  # RuntimeError: a password
            raise DataError(f"{self.path}: '{name}' cannot be unpacked: {error}") from None

    def _zstandard(self, member: ZipInfo) -> bytes:
        import pyarrow as pa

        start = member.header_offset
        lengths = struct.unpack_from("<HH", self.packed, start + LENGTHS_AT)
        start += HEADER_BYTES + sum(lengths)
        block = self.packed[start : start + member.compress_size]
        plain: bytes = pa.Codec("zstd").decompress(block, member.file_size, asbytes=True)
        if len(plain) != member.file_size or zlib.crc32(plain) != member.CRC:
            raise BadZipFile("wrong checksum")
        return plain

    def _damaged(self, reason: object) -> DataError:
        return DataError(f"{self.path}: damaged zip archive ({reason}): write or copy it again")
