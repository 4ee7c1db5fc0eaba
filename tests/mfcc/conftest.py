"""Recordings that several files of tests share."""

import pytest
import soundfile

from tests.mfcc.sound_files import SR, noise


@pytest.fixture
def music(tmp_path):
    """Return a folder of recordings as people have them."""
    folder = tmp_path / "music"
    (folder / "album" / "disc 2").mkdir(parents=True)
    soundfile.write(folder / "one.wav", noise(3, 1), SR, subtype="FLOAT")
    soundfile.write(folder / "album" / "two.flac", noise(2, 2), SR)
    soundfile.write(folder / "album" / "disc 2" / "drei & vier.ogg", noise(2, 3), SR)
    soundfile.write(folder / "album" / "no suffix", noise(2, 4), SR, format="WAV")
    (folder / "album" / "cover.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(3000))
    (folder / ".hidden.wav").write_bytes(b"no audio")
    return folder
