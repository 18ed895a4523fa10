"""Reading of a file as text: decompression and decoding. Other kinds of files raise an error that says what they are.

The kind of a file is found from its first bytes, not from its name.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import importlib
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TypeVar

Member = TypeVar("Member", zipfile.ZipInfo, tarfile.TarInfo)

#: Errors that the modules below raise for damaged files.
_DAMAGE_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    tarfile.TarError,
)
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
#: First bytes of files that cannot be read, their kind, and what to do.
_UNREADABLE = {
    b"PAR1": ("a Parquet file", "convert it to CSV"),
    b"ARROW1": ("a Feather file", "convert it to CSV"),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ("an old spreadsheet", "save it as CSV"),
    b"%PDF": ("a PDF file", "copy its table into a CSV file"),
    b"SQLite format 3": ("a database", "export the table as CSV"),
    b"\x89HDF": ("an HDF5 file", "convert it to CSV"),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", "unpack it"),
    b"Rar!": ("a RAR archive", "unpack it"),
    b"\x04\x22\x4d\x18": ("compressed by lz4", "unpack it by lz4 -d"),
    b"\x1f\x9d": ("compressed by compress", "unpack it by gunzip"),
}
#: Modules that decompress zstd; the first is part of Python since 3.14.
_ZSTD = ("compression.zstd", "backports.zstd", "zstandard")


def read_text(path: Path, encoding: str | None) -> str:
    """Return the text of a file, which may be compressed or archived as gz, bz2, xz, zip, tar or zst.

    Parameters
    ----------
    path : Path
        The file; an archive must contain exactly one file.
    encoding : str, optional
        Name of a codec; by default that of the byte order mark, or UTF-8 without one.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If the file cannot be read, is damaged, or is not in that encoding. The message says what to do.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from error
    for begins, (what, mend) in _UNREADABLE.items():
        if content.startswith(begins):
            raise ValueError(f"{path} cannot be read as a CSV file: it is {what}; {mend}")
    content = _unpack(path, content)
    marked = next((codec for mark, codec in _BYTE_ORDER_MARKS.items() if content.startswith(mark)), "UTF-8")
    try:
        text = content.decode(encoding or marked)
    except LookupError as error:
        raise ValueError(
            f"{encoding!r} is no encoding that Python knows; give one such as utf-8, cp1252 or utf-16"
        ) from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path} cannot be read as a CSV file in {encoding or marked}: line {line} has the byte "
            f"0x{content[error.start]:02x} ({error.reason}){_other_encoding(content)}"
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ValueError(
            f"{path} cannot be read as a CSV file in {encoding or marked}: line {line} has a NUL "
            f"character{_other_encoding(content)}"
        )
    return text.removeprefix("\ufeff")


def _other_encoding(content: bytes) -> str:
    """Return a phrase with an encoding to try."""
    even, odd = content[::2].count(0), content[1::2].count(0)
    if max(even, odd) > len(content) / 8:
        codecs_to_try = ["utf-16-le" if odd > even else "utf-16-be"]
    else:
        codecs_to_try = ["cp1252", "latin-1"]
    for codec in codecs_to_try:
        try:
            text = content.decode(codec)
        except UnicodeError:
            continue
        if "\0" not in text:
            return f"; try --encoding {codec}"
    return "; the file is damaged or is no text: save it again as CSV"


def _unpack(path: Path, content: bytes) -> bytes:
    """Return the content of the only file in it, if it is compressed or an archive."""
    for begins, (name, unpack) in _PACKED_FORMATS.items():
        if content.startswith(begins):
            content = _unpack_checked(path, name, unpack, content)
            break
    if content[257:262] == b"ustar":
        content = _unpack_checked(path, "tar", _untar, content)
    return content


def _unpack_checked(path: Path, name: str, unpack: Callable[[Path, bytes], bytes], content: bytes) -> bytes:
    """Unpack a file; raise a ValueError if it is damaged."""
    try:
        return unpack(path, content)
    except _RefusedError:
        raise
    except _DAMAGE_ERRORS as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path} is a damaged {name} file ({reason}); download or compress it again") from error
    except Exception as error:
        if type(error).__name__ != "ZstdError":  # each of the modules has a class of that name
            raise
        raise ValueError(f"{path} is a damaged {name} file ({error}); download or compress it again") from error


class _RefusedError(ValueError):
    """An archive that is not damaged, but cannot be read here."""


def _unzip(path: Path, content: bytes) -> bytes:
    """Return the only file of a zip archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [member for member in archive.infolist() if not member.is_dir() and "__MACOSX" not in member.filename]
        if any(member.filename == "[Content_Types].xml" for member in members):
            raise _RefusedError(f"{path} cannot be read as a CSV file: it is a spreadsheet; save it as CSV")
        member = _single_member(path, "zip", members, [member.filename for member in members])
        if member.flag_bits & 1:
            raise _RefusedError(f"{path} is protected by a password; unpack it")
        return archive.read(member)


def _untar(path: Path, content: bytes) -> bytes:
    """Return the only file of a tar archive."""
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
        members = [member for member in archive.getmembers() if member.isfile()]
        member = archive.extractfile(_single_member(path, "tar", members, [member.name for member in members]))
        assert member is not None  # it is a file
        data = member.read()
    if len(data) < members[0].size:
        raise EOFError("it ends early")
    return data


def _single_member(path: Path, kind: str, members: list[Member], names: list[str]) -> Member:
    """Return the only file of an archive; raise if there is not exactly one."""
    if len(members) != 1:
        held = f"{len(names)} files, {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}" if names else "no file"
        raise _RefusedError(f"{path} is a {kind} archive of {held}; unpack it and name one CSV file")
    return members[0]


def _unzstd(path: Path, content: bytes) -> bytes:
    """Decompress zstd data with the first module that is installed."""
    for name in _ZSTD:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        return _unpack_zstd_frames(module, content) if name == "zstandard" else module.decompress(content)
    raise _RefusedError(
        f"{path} is compressed by zstd, for which no Python module is installed; unpack it by zstd -d, or run pip "
        "install zstandard"
    )


def _unpack_zstd_frames(zstandard: ModuleType, content: bytes) -> bytes:
    """Decompress all frames of zstd data; the module's own functions read one frame, or miss an early end."""
    parts = []
    while content:
        frame = zstandard.ZstdDecompressor().decompressobj()
        parts.append(frame.decompress(content))
        if not frame.eof:
            raise EOFError("it ends early")
        content = frame.unused_data
    return b"".join(parts)


#: First bytes of compressed files and archives, their names, and the functions that unpack them.
_PACKED_FORMATS: dict[bytes, tuple[str, Callable[[Path, bytes], bytes]]] = {
    b"\x1f\x8b": ("gzip", lambda _, content: gzip.decompress(content)),
    b"BZh": ("bzip2", lambda _, content: bz2.decompress(content)),
    b"\xfd7zXZ\x00": ("xz", lambda _, content: lzma.decompress(content)),
    b"PK\x03\x04": ("zip", _unzip),
    b"PK\x05\x06": ("zip", _unzip),  # an empty one
    b"\x28\xb5\x2f\xfd": ("zstd", _unzstd),
}
