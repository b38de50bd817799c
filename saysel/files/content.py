"""The bytes and the text of a data file; anything that is not one is refused with one line."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from pathlib import Path

from saysel.errors import DataError

#: Bytes that a compressed file may unpack to; a few kilobytes can hold gigabytes of zeros.
MAX_UNPACKED = 4 * 2**30
GZIP = b"\x1f\x8b"
#: First bytes of files that are not text, with what they are and what to do.
NOT_TEXT = {
    b"BZh": "compressed with bzip2: decompress it",
    b"\xfd7zXZ": "compressed with xz: decompress it",
    b"\x28\xb5\x2f\xfd": "compressed with zstd: decompress it",
    b"\xff\xfe": "UTF-16: save the file as UTF-8",
    b"\xfe\xff": "UTF-16: save the file as UTF-8",
}


def read_bytes(path: Path, advice: str = "check the path") -> bytes:
    """A file's content as it is stored.

    Args:
        advice: what to do if there is no such file.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return path.expanduser().read_bytes()
    except IsADirectoryError:
        raise DataError(f"{path}: this is a directory: name a file") from None
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file: {advice}") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise DataError(f"{path}: cannot be read: {reason}") from None


def digest(path: Path, advice: str = "check the path") -> str:
    """SHA-256 of a file's content, in hex.

    Raises:
        DataError: see `read_bytes`.
    """
    return hashlib.sha256(read_bytes(path, advice)).hexdigest()


def suffix(path: Path) -> str:
    """The file extension that names the format, in lower case: `.csv` for `x.CSV.gz`."""
    name = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return name.suffix.lower()


def unpacked(content: bytes, path: Path) -> bytes:
    """The decompressed content if it is compressed with gzip, whatever the file's name.

    Raises:
        DataError: the compressed data are damaged or too large.
    """
    if not content.startswith(GZIP):
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            plain = file.read(MAX_UNPACKED + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: damaged gzip file ({error}): compress it again") from None
    if len(plain) > MAX_UNPACKED:
        raise DataError(f"{path}: unpacks to more than {MAX_UNPACKED >> 30} GiB: split it")
    return plain


def decoded(content: bytes, path: Path) -> str:
    """Content as text, without its byte order mark.

    Raises:
        DataError: it is not text, or not UTF-8; the message names the line.
    """
    for start, what in NOT_TEXT.items():
        if content.startswith(start):
            raise DataError(f"{path}: {what}")
    if b"\0" in content.partition(b"\n")[0]:
        raise DataError(f"{path}: UTF-16, or not text: save the file as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        data = error.object  # without the byte order mark, if there is one
        line = data[: error.start].count(b"\n") + 1
        raise DataError(
            f"{path}, line {line}: not UTF-8 (byte {data[error.start]:#04x}): "
            "save the file as UTF-8"
        ) from None
