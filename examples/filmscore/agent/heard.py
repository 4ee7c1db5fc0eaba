"""The recordings on which a model was trained. On these it has an advantage over a model that never heard them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from filmscore.agent.library import Library, Track
from filmscore.agent.scan import SHIPPED
from filmscore.corpus import read_recordings
from filmscore.files import sha256

HEARD = "heard"
"""The key in a model's file under which `train` stores the SHA-256 of its training recordings."""


def heard_by(library: Library, model: Any) -> set[str]:
    """Return the SHA-256 of the recordings on which a library's model was trained, as far as that is known.

    A model that `train` made says it itself; the shipped one was trained on the project's corpus.
    """
    if HEARD in model.metadata_:
        return set(map(str, model.metadata_[HEARD]))
    if library.about["model"] == sha256(SHIPPED):
        return {recording.sha256 for recording in read_recordings()}
    return set()


def digests(library: Library, tracks: Sequence[Track]) -> set[str]:
    """Return the SHA-256 of tracks."""
    found = dict(library.connection.execute("SELECT id, hash FROM track"))
    return {found[track.id].hex() for track in tracks}
