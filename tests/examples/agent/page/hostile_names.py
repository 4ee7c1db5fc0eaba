"""Titles and names of files that a careless page stumbles over."""

import os

EVIL = "</script><script>window.evil = 1</script><!--<script>\u2028<img src=x onerror='window.evil=2'> & \u202egnp.exe"
FILES = [
    os.fsdecode(b"caf\xe9 \xff.flac"),
    "one 100% #1?a=b&c.flac",
    "\"quoted\" 'twice'.flac",
    "<script>window.evil = 3</script>".replace("/", "\u2215") + ".flac",
    "new\nline.flac",
    "日本の音楽.flac",
    "javascript:window.evil=4.flac",
    "ends with a space.flac ",
]
"""Recordings of these names are there; the other tracks are names alone."""
