"""Arrays and a header in one file; see `nnlite.serialization` for the layout."""

import os
import sys
import zlib
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from nnlite.serialization import layout, table, text
from nnlite.serialization.atomic import atomic_write
from nnlite.serialization.errors import FileFormatError, FileVersionError, reading, shown
from nnlite.serialization.layout import HEADER_MEMBER, Member
from nnlite.serialization.table import Entry
from nnlite.version import __version__

FORMAT, FORMAT_VERSION = "nnlite", 1
KEYS = {"format", "format_version", "library_version", "arrays", "header"}
BLOCK = 2**20  # bytes that are read and summed at a time


def write_archive(path: str | os.PathLike[str], header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a header and named arrays, whole or not at all.

    The same content in the same order gives the same bytes. `numpy.load` reads the file too.

    Parameters
    ----------
    path : path-like
    header : dict
        Data that JSON can hold: None, truth values, strings, finite numbers, lists, and dicts with strings as keys.
        Tuples become lists.
    arrays : dict of ndarray
        Arrays of real numbers or truth values, less than 4 GiB together. They come back in C order and native byte
        order, with the same values to the bit. A name has parts of printable characters with "/" between them; it is
        never used as a path.

    Raises
    ------
    ValueError, TypeError
        If the header or an array can't be stored.
    OSError
        If the file can't be written; what was at `path` is untouched.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "result.npz")
    ...     write_archive(path, {"steps": 3}, {"layer/weight": np.ones((2, 2), np.float32)})
    ...     read_archive(path)
    ...     with np.load(path) as npz:
    ...         npz["layer/weight"].shape
    ({'steps': 3}, {'layer/weight': array([[1., 1.], [1., 1.]], dtype=float32)})
    (2, 2)
    """
    document = encode_document(header, arrays)  # all that can be wrong with them, before there is a file
    with atomic_write(path) as file:
        write_members(file, document, arrays)


def encode_document(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """Check all that is to be written, and make the text of ``header.json``."""
    if not isinstance(header, Mapping):
        raise TypeError(f"write_archive: header: expected a dict, got {shown(header)}.")
    entries = [table.entry_of(name, array) for name, array in arrays.items()]
    document = text.encode(
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "library_version": __version__,
            "header": text.plain(dict(header), "write_archive: header"),
            "arrays": table.to_json(entries),
        }
    )
    if len(entries) > table.MAX_ARRAYS:
        raise ValueError(f"write_archive: arrays: expected at most {table.MAX_ARRAYS}, got {len(entries)}.")
    if (size := _file_size(document, entries)) > layout.MAX_FILE_SIZE:
        raise ValueError(
            f"write_archive: arrays: expected less than 4 GiB together, got {size} bytes. A data set belongs into .npy "
            "files, which can be memory-mapped."
        )
    return document


def write_members(file: BinaryIO, document: bytes, arrays: Mapping[str, np.ndarray]) -> None:
    """Write the bytes of an archive; `document` is what `encode_document` made of these arrays."""
    members = [Member(HEADER_MEMBER, len(document), zlib.crc32(document))]
    file.write(layout.local_header(members[0]) + document)
    for name, array in arrays.items():
        entry = table.entry_of(name, array)
        content = np.asarray(array, entry.dtype, order="C").reshape(-1).view(np.uint8)
        members.append(Member(entry.member, entry.size, zlib.crc32(content.data, zlib.crc32(entry.prefix))))
        file.write(layout.local_header(members[-1]) + entry.prefix)
        file.write(content.data)
    file.write(layout.directory(members))


def read_archive(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read what `write_archive` wrote.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    header : dict
    arrays : dict of ndarray
        New arrays, in the order in which they were written.

    Raises
    ------
    FileFormatError
        If a byte is not as it was written, or the file is something else. Memory is taken only for what the size of the
        file accounts for.
    FileVersionError
        If the file was written by a later version of the library.
    FileNotFoundError
        If there is no file.
    """
    with open(path, "rb") as file:
        with reading(path):
            size = os.fstat(file.fileno()).st_size
            members, document = _read_document(file, size)
            header, entries = _parse(document)
            if (expected := _file_size(document, entries)) != size:
                cause = "It is cut off." if size < expected else "Something was added to it."
                raise FileFormatError(f"expected {expected} bytes by its table of arrays, got {size}. {cause}")
        arrays = {}
        for entry in entries:
            values = np.empty(entry.shape, entry.dtype)  # not in `reading`: memory can be short for a good file too
            with reading(path):
                members.append(_read_member(file, entry, values))
            arrays[entry.name] = values if sys.byteorder == "little" else values.astype(entry.dtype.newbyteorder("="))
        with reading(path):
            if file.read() != layout.directory(members):
                raise FileFormatError("expected the zip directory of these members, got another. The file is damaged.")
    return header, arrays


def _read_document(file: BinaryIO, size: int) -> tuple[list[Member], bytes]:
    """Return the first member, which is ``header.json``, and its bytes."""
    if not size:
        raise FileFormatError("expected a file that nnlite wrote, got an empty one.")
    start = file.read(layout.local_size(HEADER_MEMBER))
    if not start.startswith(layout.LOCAL_SIGNATURE):
        raise FileFormatError(f"expected a file that nnlite wrote, a zip file, got one that begins with {start[:8]!r}.")
    if len(start) < layout.local_size(HEADER_MEMBER):
        raise FileFormatError(f"expected a file that nnlite wrote, got {size} bytes. It is cut off.")
    member = Member(HEADER_MEMBER, *layout.claimed(start))
    if start != layout.local_header(member):
        raise FileFormatError(
            f"expected a file that nnlite wrote, with {HEADER_MEMBER} first, got another zip file. One that other "
            "software has packed again can't be read."
        )
    if member.size > text.MAX_BYTES:
        raise FileFormatError(f"{HEADER_MEMBER}: expected at most {text.MAX_BYTES} bytes, got {member.size}.")
    document = file.read(member.size)
    if len(document) != member.size:
        raise FileFormatError(f"{HEADER_MEMBER}: expected {member.size} bytes, got {len(document)}. It is cut off.")
    _check_crc(member, zlib.crc32(document))
    return [member], document


def _parse(data: bytes) -> tuple[dict[str, Any], list[Entry]]:
    """Return the caller's header, and the table of arrays."""
    document = text.decode(data)
    if document.get("format") != FORMAT:
        raise FileFormatError(f"{HEADER_MEMBER}: format: expected {FORMAT!r}, got {shown(document.get('format'))}.")
    version, writer = document.get("format_version"), document.get("library_version")
    if type(version) is not int or version < 1:
        raise FileFormatError(f"{HEADER_MEMBER}: format_version: expected a positive integer, got {shown(version)}.")
    if version > FORMAT_VERSION:
        raise FileVersionError(
            f"expected format version {FORMAT_VERSION} or lower, got {version}, written by nnlite {shown(writer)}. "
            f"This is nnlite {__version__}: upgrade it."
        )
    if document.keys() != KEYS:
        raise FileFormatError(f"{HEADER_MEMBER}: expected the keys {sorted(KEYS)}, got {shown(sorted(document))}.")
    if not isinstance(writer, str):
        raise FileFormatError(f"{HEADER_MEMBER}: library_version: expected a string, got {shown(writer)}.")
    if not isinstance(document["header"], dict):
        raise FileFormatError(f"{HEADER_MEMBER}: header: expected an object, got {shown(document['header'])}.")
    return document["header"], table.parse(document["arrays"])


def _read_member(file: BinaryIO, entry: Entry, values: np.ndarray) -> Member:
    """Fill `values` from the member that comes next."""
    who = shown(entry.member)
    start = file.read(layout.local_size(entry.member))
    if len(start) < layout.local_size(entry.member):
        raise FileFormatError(f"{who}: expected it as the next member, got the end of the file.")
    member = Member(entry.member, entry.size, layout.claimed(start)[1])
    if start != layout.local_header(member):
        raise FileFormatError(f"{who}: expected it as the next member, stored, of {entry.size} bytes. It is damaged.")
    if file.read(len(entry.prefix)) != entry.prefix:
        raise FileFormatError(
            f"{who}: expected the npy header of shape {entry.shape} and dtype {entry.dtype.name}, as the table says, "
            "got another."
        )
    content = values.reshape(-1).view(np.uint8)
    crc = zlib.crc32(entry.prefix)
    for first in range(0, content.size, BLOCK):
        part = content[first : first + BLOCK]
        if file.readinto(part.data) != part.size:  # type: ignore[attr-defined]
            raise FileFormatError(f"{who}: expected {entry.size} bytes, got the end of the file.")
        crc = zlib.crc32(part.data, crc)
    _check_crc(member, crc)
    if values.dtype == np.bool_ and content.max(initial=0) > 1:
        raise FileFormatError(f"{who}: expected bytes 0 and 1 as truth values, got {content.max()}.")
    return member


def _check_crc(member: Member, crc: int) -> None:
    if crc != member.crc:
        raise FileFormatError(
            f"{shown(member.name)}: expected bytes with checksum {member.crc:#010x}, got {crc:#010x}. It is damaged."
        )


def _file_size(document: bytes, entries: list[Entry]) -> int:
    names = [HEADER_MEMBER, *(entry.member for entry in entries)]
    sizes = len(document) + sum(entry.size for entry in entries)
    return sum(map(layout.local_size, names)) + sizes + layout.directory_size(names)
