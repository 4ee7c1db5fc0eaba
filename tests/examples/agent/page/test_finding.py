"""Sliders, words, filters and links of likeness on the page find what the commands find."""

import os

import numpy as np
import pytest

from filmscore.agent.library import Library
from filmscore.agent.search import Reference, find, similar
from filmscore.agent.words import folded
from tests.examples.agent.page.browser import address, complaints, ids, keys, slide, status, until


@pytest.mark.parametrize("page", ["report", "served"])
def test_sliders_put_the_best_first(page, request, folder):
    browser = request.getfixturevalue(page)
    status(browser, "69 tracks")
    slide(browser, "Drama", "END")
    slide(browser, "Comedy", *["ARROW_LEFT"] * 5)
    status(browser, "69 tracks, best first")
    with Library.open(folder / "library") as library:
        everything = find(library, {"Drama": 1.0, "Comedy": -0.5}, limit=69)
    expected = everything[:15]
    until(browser, "return location.hash.includes('-0.5')")
    until(
        browser,
        "return document.querySelector('#tracks .score b')?.textContent === arguments[0]",
        f"{expected[0].score:.2f}",
    )
    scores_of = {match.track.id: match.score for match in everything}
    order = [scores_of[number] for number in ids(browser, 15)]  # tracks of equal scores may change places
    np.testing.assert_allclose(order, [match.score for match in expected], atol=1e-5)
    scores = browser.execute_script("return [...document.querySelectorAll('.score b')].map((each) => each.textContent)")
    assert scores[:15] == [f"{match.score:.2f}" for match in expected]
    stretches = {match.track.id: match.start_s for match in expected}
    tracks = browser.execute_script("return [...document.querySelectorAll('#tracks .track')].map((row) => row.track)")
    same = [abs(track["start_s"] - stretches[track["id"]]) < 0.01 for track in tracks if track["id"] in stretches]
    assert len(same) > 10 and np.mean(same) > 0.8  # the page has percents, `find` has all digits
    assert "mix=0,-0.5,1,0" in address(browser)
    assert complaints(browser) == []


def test_the_page_compares_words_as_the_commands_do(report, folder):
    letters = [chr(k) for k in range(32, 0x3000) if not 0xD800 <= k < 0xE000 and chr(k).isprintable()]
    texts = [
        *letters,
        "Über",
        "u\u0308ber",
        "Straße",
        "ΟΔΟΣ",
        "ὀδυσσεύς",
        "İstanbul",
        "ＡＢＣ",
        "ﬁlm",
        "日本の音楽",
        "がぎ",
        "한국",
    ]
    actual = report.execute_script("return arguments[0].map(folded)", texts)
    differ = {text: (folded(text), here) for text, here in zip(texts, actual, strict=True) if folded(text) != here}
    assert len(differ) < 20 and differ.keys() <= set(letters), differ  # letters that one of the two is too old for
    sought = "const e = document.getElementById('text'); e.value = arguments[0]; e.dispatchEvent(new Event('input'))"
    for text, count in (("CAFÉ", 0), ("FLAC quoted", 1), ("の音楽 日本", 1), ("music", 0), ("", 69)):
        report.execute_script(sought, text)
        status(report, f"{count} track" if count else "No track fits")
        with Library.open(folder / "library") as library:
            assert len(library.ids(text=text)) == count


def test_a_link_of_likeness_leads_on_and_back(report, folder):
    slide(report, "Drama", "END")
    status(report, "best first")
    number = ids(report)[3]
    report.execute_script("document.querySelectorAll('#tracks .actions a')[3].focus()")
    keys(report, "ENTER")
    status(report, "most alike")
    with Library.open(folder / "library") as library:
        expected = similar(library, Reference.of_track(library, number), limit=12)
        name = library.track(number).name
    assert ids(report) == [match.track.id for match in expected]
    starts = report.execute_script(
        "return [...document.querySelectorAll('#tracks .track')].map((r) => r.track.start_s)"
    )
    np.testing.assert_allclose(starts, [match.start_s for match in expected], atol=0.01)
    active = report.execute_script("return [document.activeElement.id, document.activeElement.textContent]")
    assert active[0] == "heading" and active[1] == f"Like {os.path.splitext(name)[0]}"
    report.back()
    status(report, "best first")
    assert ids(report)[3] == number and "mix=0,0,1,0" in address(report)
    report.forward()
    status(report, "most alike")
    slide(report, "Action", "END")  # the mix is still as it was
    status(report, "best first")
    assert "mix=1,0,1,0" in address(report)


def test_likeness_to_a_part_is_served(served, folder):
    row = served.execute_script(
        "const t = document.querySelectorAll('.track')[20 - 1].track; return [t.id, t.start_s, t.end_s]"
    )
    served.execute_script("document.querySelectorAll('.track')[19].querySelectorAll('.actions a')[1].click()")
    status(served, "most alike")
    with Library.open(folder / "library") as library:
        expected = similar(library, Reference.of_track(library, *row), limit=40)
    assert ids(served) == [match.track.id for match in expected] and complaints(served) == []


def test_filters_leave_out(report):
    for key in "track 1":
        report.execute_script("document.getElementById('text').focus()")
        keys(report, key)
    status(report, "15 tracks")
    assert report.execute_script("return document.querySelector('#tracks h3').textContent") == "track 01"
    report.execute_script(
        "const e = document.getElementById('least'); e.value = '60'; e.dispatchEvent(new Event('input'))"
    )
    status(report, "4 tracks")
    report.execute_script(
        "const e = document.getElementById('text'); e.value = 'none'; e.dispatchEvent(new Event('input'))"
    )
    status(report, "No track fits.")
    assert ids(report) == []


def test_more_are_shown_by_a_button(report):
    report.execute_script("document.getElementById('more').focus()")
    count = len(ids(report))
    keys(report, "ENTER")
    until(report, "return document.querySelectorAll('#tracks .track').length > arguments[0]", count)
    assert report.execute_script("return document.activeElement.className") == "play"


@pytest.mark.parametrize("page", ["report", "served"])
def test_more_like_this_keeps_the_filters(page, request, folder):
    browser = request.getfixturevalue(page)
    set_field = (
        "const e = document.getElementById(arguments[0]); e.value = arguments[1]; e.dispatchEvent(new Event('input'))"
    )
    browser.execute_script(set_field, "least", "60")
    until(browser, "return location.hash.includes('least=60')")
    number = ids(browser)[0]
    browser.execute_script("document.querySelector('#tracks .actions a').click()")
    status(browser, "most alike")
    durations = "return [...document.querySelectorAll('#tracks .track')].map((row) => row.track.duration_s)"
    assert min(browser.execute_script(durations)) >= 60
    assert f"like={number}" in address(browser) and "least=60" in address(browser)
    browser.execute_script(set_field, "text", "track 4")
    until(browser, "return [...document.querySelectorAll('#tracks h3')].every((h) => h.textContent.includes('4'))")
    assert f"like={number}" in address(browser)
    with Library.open(folder / "library") as library:
        assert set(ids(browser)) <= set(library.ids(text="track 4", min_duration_s=60))
    if page == "served":
        with Library.open(folder / "library") as library:
            expected = similar(library, Reference.of_track(library, number), text="track 4", min_duration_s=60)
            assert ids(browser) == [match.track.id for match in expected]
    browser.execute_script("document.getElementById('back').click()")
    until(browser, "return document.getElementById('heading').textContent === 'All tracks'")
    assert browser.execute_script("return document.getElementById('text').value") == "track 4"
