"""Code that the film-score scripts share: corpus manifest, Debian packages, feature folders.

Genres, soundtracks and games are words of this folder alone; neither library knows them.
"""
