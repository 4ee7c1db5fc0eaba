"""Tracks are meant by path, number, or words in any case, order and writing."""

import dataclasses
import os
import shutil

import numpy as np
import pytest

from filmscore.agent.library import Library
from tests.examples.agent.commands.calls import as_json, run
from tests.examples.agent.commands.hostile_names import HOSTILE
from tests.examples.agent.libraries import add_tracks, empty_library, made_up_analysis


def test_tracks_are_meant_by_path_number_or_part_of_a_name(hostile, capsys):
    assert as_json(capsys, "explain", "日本", "--library", hostile)["track"] == 6
    assert as_json(capsys, "explain", HOSTILE[2], "--library", hostile)["track"] == 3
    assert run("explain", "OGG", "--library", hostile) == 2
    message = capsys.readouterr().err
    assert "'OGG' fits 7 tracks; give more of it, or a number such as '#12'" in message
    assert "#2  /music/one/new\\nline.ogg" in message
    assert run("explain", "nothing", "--library", hostile) == 2
    assert "'nothing': no track of the library has these words in title" in capsys.readouterr().err
    assert run("explain", "#8", "--library", hostile) == 2 and "no track 8; there are 7" in capsys.readouterr().err


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """Make a library of names that people look for in many ways."""
    folder = tmp_path_factory.mktemp("named") / "library"
    rng = np.random.default_rng(0)
    empty_library(folder)
    names = [
        "forest.ogg",
        "deep forest.ogg",
        "forest.ogg.flac",
        "Straße.ogg",
        "u\u0308ber.ogg",
        "Éclair.ogg",
        "ＡＢＣ.ogg",
    ]
    tracks = {f"/music/one/{name}": made_up_analysis(rng) for name in names}
    tracks["/music/two/forest.ogg"] = made_up_analysis(rng)
    words = {"title": "Ὀδυσσεύς am Strand", "artist": "Björk", "album": "Größe"}
    tracks["/music/forest/12.ogg"] = dataclasses.replace(made_up_analysis(rng), **words)
    add_tracks(folder, tracks)
    return folder


SOUGHT = {
    "über": {"u\u0308ber.ogg"}, "U\u0308BER": {"u\u0308ber.ogg"}, "uber": {"u\u0308ber.ogg"}, "STRASSE": {"Straße.ogg"},
    "straße": {"Straße.ogg"}, "eclair": {"Éclair.ogg"}, "abc": {"ＡＢＣ.ogg"}, "ΟΔΥΣΣΕΥΣ": {"12.ogg"},
    "strand bjork": {"12.ogg"}, "grosse Björk am": {"12.ogg"}, "ogg forest deep": {"deep forest.ogg"}, "music": set(),
    "one": set(), "%": set(), "_": set(), "  ": None,
}  # fmt: skip
"""Words that are looked for, to the names of the files that have them; None for all."""


@pytest.mark.parametrize("text", SOUGHT)
def test_words_are_found_in_any_case_order_and_writing(named, text):
    with Library.open(named) as library:
        every = {os.path.basename(track.path) for track in library.tracks()}
        expected = every if SOUGHT[text] is None else SOUGHT[text]
        assert {os.path.basename(track.path) for track in library.tracks(text=text)} == expected
        found = library.tracks_of(library.ids(text=text))
        assert {os.path.basename(track.path) for track in found} == expected


def test_a_name_means_that_file_though_others_have_it_too(named, capsys):
    def means(text):
        capsys.readouterr()
        return as_json(capsys, "explain", text, "--library", named)["path"]

    assert means("deep forest") == "/music/one/deep forest.ogg"
    assert means("one/forest.ogg") == "/music/one/forest.ogg" and means("two/FOREST.ogg") == "/music/two/forest.ogg"
    assert means("forest.ogg.flac") == "/music/one/forest.ogg.flac"
    assert means("ὀδυσσεύς am strand") == means("bjork") == "/music/forest/12.ogg"
    assert run("explain", "forest.ogg", "--library", named) == 2
    assert "'forest.ogg' fits 2 tracks" in capsys.readouterr().err


def test_a_file_that_was_moved_since_the_scan_is_known(music, tmp_path, capsys):
    shutil.copy(music / "music" / "album 0" / "2.flac", tmp_path / "elsewhere.flac")
    record = as_json(capsys, "explain", tmp_path / "elsewhere.flac", "--library", music / "library")
    assert record["path"].endswith("album 0/2.flac")
