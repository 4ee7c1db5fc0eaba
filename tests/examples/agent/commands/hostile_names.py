"""Names of files that are hard to print."""

import os

HOSTILE = [
    os.fsdecode(b"/music/one/caf\xe9.ogg"),
    "/music/one/new\nline.ogg",
    "/music/two/\x1b[31mred\x1b[0m.ogg",
    "/music/two/ends with a space.ogg ",
    '/music/two/<script>alert("1")</script>, & 100 %.ogg',
    "/music/three/日本の音楽.ogg",
    "/music/three/" + "long " * 40 + ".ogg",
]
