"""Files that are data: arrays and JSON in a zip file that NumPy reads as npz.

A file is written whole or not at all (`atomic_write`), holds no pickle and nothing that is looked up or run, and equal
content gives equal bytes (`write_archive`). Reading it trusts nothing (`read_archive`): the file is either, byte for
byte, what `write_archive` would have written for its table of arrays, or it is refused with a `FileFormatError` before
memory is allocated for what it claims to hold.

The layout, format version 1:

=================  =====================================================================================================
member             content
=================  =====================================================================================================
``header.json``    format ("nnlite"), format_version, library_version, arrays (name -> shape and dtype), and the
                   caller's header. Always the first member, so that any later version can be told by it.
``NAME.npy``       one for each array, in the order of the table; C order, little-endian
=================  =====================================================================================================

All members are stored, not compressed: weights hardly compress, and the size of the file bounds what it can claim.
"""

from nnlite.serialization.archive import read_archive, write_archive
from nnlite.serialization.atomic import atomic_write, remove_leftovers
from nnlite.serialization.errors import FileFormatError, FileVersionError

__all__ = ["FileFormatError", "FileVersionError", "atomic_write", "read_archive", "remove_leftovers", "write_archive"]
