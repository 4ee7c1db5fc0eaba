"""The agent's page in a browser: the file that `report` writes, and what `serve` answers with."""

import base64
import dataclasses
import json
import os
import shutil
import threading
from pathlib import Path

import filmscore_agent
import numpy as np
import pytest

from filmscore.agent.library import Library
from filmscore.agent.search import Reference, find, similar
from filmscore.agent.server import Server
from filmscore.agent.words import folded
from filmscore.browser import chromium, missing
from tests.examples.agent_browser import address, complaints, ids, keys, opened, requests, slide, status, until
from tests.examples.agent_library import add_tracks, empty_library, made_up_analysis, write_noise
from tests.examples.made_up import NAMES

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


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page #1%")
    rng = np.random.default_rng(0)
    analyses = {}
    for k, name in enumerate(FILES):
        write_noise(folder / "music" / name, k)
        analyses[str(folder / "music" / name)] = made_up_analysis(rng, 2, duration_s=20.0)
    for k in range(60):
        analyses[f"/music/album {k % 12}/track {k:02}.ogg"] = made_up_analysis(rng, 4 + k % 5)
    evil = dataclasses.replace(made_up_analysis(rng), title=EVIL, artist=EVIL, album=EVIL)
    empty_library(folder / "library")
    add_tracks(folder / "library", analyses | {"/music/evil.ogg": evil})
    assert filmscore_agent.main(["report", str(folder / "report.html"), "--library", str(folder / "library")]) == 0
    return folder


@pytest.fixture(scope="module")
def browser():
    if missing():
        pytest.skip(missing())
    with chromium() as window:
        yield window


@pytest.fixture
def report(browser, folder):
    """Open the page of the file."""
    return opened(browser, (folder / "report.html").as_uri())


@pytest.fixture
def served(browser, folder):
    with Library.open(folder / "library", shared=True) as library, Server(library) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield opened(browser, server.url)
        browser.get("about:blank")
        server.shutdown()
        thread.join()


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


def test_the_report_asks_for_nothing(report, folder):
    slide(report, "Action", "END")
    status(report, "best first")
    report.execute_script("document.querySelector('.actions a').click()")
    status(report, "most alike")
    assert requests(report) == [(folder / "report.html").as_uri()] and complaints(report) == []
    page = (folder / "report.html").read_text()
    assert "http:" not in page.replace("http://www.w3.org/2000/svg", "") and "https:" not in page


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


def test_all_of_it_works_by_keyboard(report):
    focus = "const e = document.activeElement; return e.id || e.className || e.textContent"
    report.execute_script("document.body.focus()")
    keys(report, "TAB")
    assert report.execute_script(focus) == "skip"
    seen = []
    for _ in range(13):
        keys(report, "TAB")
        seen.append(report.execute_script(focus))
    sliders = [f"genre-{k}" for k in range(4)]
    assert seen[:9] == [*sliders, "clear", "text", "least", "play", "More like this"]
    outline = report.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    slide(report, "Drama", "ARROW_RIGHT", "ARROW_RIGHT")
    status(report, "best first")
    words = report.execute_script("const e = document.getElementById('genre-2'); return [e.ariaValueText, e.value]")
    assert words == ["more, 0.2", "0.2"]
    report.execute_script("document.getElementById('clear').focus()")
    keys(report, "ENTER")
    until(report, "return document.getElementById('heading').textContent === 'All tracks'")
    before = len(ids(report))
    report.execute_script("document.querySelector('.actions button').focus()")
    keys(report, "SPACE")
    curves = report.execute_script("return document.querySelector('.curves').querySelectorAll('.curve').length")
    assert curves == 4 and report.execute_script("return document.activeElement.ariaExpanded") == "true"
    assert len(ids(report)) >= before


def test_more_are_shown_by_a_button(report):
    report.execute_script("document.getElementById('more').focus()")
    count = len(ids(report))
    keys(report, "ENTER")
    until(report, "return document.querySelectorAll('#tracks .track').length > arguments[0]", count)
    assert report.execute_script("return document.activeElement.className") == "play"


def test_everything_has_a_role_and_a_name(report):
    report.execute_script("document.querySelector('.actions button').click()")
    tree = report.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    kinds: dict[str, list[str]] = {}
    for node in tree:
        if not node.get("ignored"):
            kinds.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    for kind in ("button", "slider", "link", "searchbox", "combobox", "heading", "form", "image", "region"):
        assert kinds.get(kind) and all(kinds[kind]), kind
    assert kinds["slider"] == list(NAMES) and "status" in kinds and "main" in kinds and "list" in kinds
    assert any("where Drama is strongest" in name for name in kinds["button"])
    labels = kinds["button"] + kinds["link"]
    assert len(labels) == len(set(labels)), "two controls of one name can't be told apart"


def test_hostile_names_are_only_names(report):
    names = report.execute_script(
        "document.getElementById('more').click(); return new Promise((done) => setTimeout(() => "
        "done([...document.querySelectorAll('#tracks h3')].map((h) => h.textContent)), 500))"
    )
    assert "caf\\xe9 \\xff" in names and "new\\nline" in names and "<script>window.evil = 3<\u2215script>" in names
    report.execute_script(
        "const e = document.getElementById('text'); e.value = 'evil.ogg'; e.dispatchEvent(new Event('input'))"
    )
    until(report, "return document.querySelectorAll('#tracks .track').length === 1")
    shown = report.execute_script("return document.querySelector('#tracks h3').textContent")
    assert shown == EVIL.replace("\u2028", " ").replace("\u202e", " ")
    assert report.execute_script("return [window.evil ?? null, document.images.length]") == [None, 0]
    assert complaints(report) == []


@pytest.mark.parametrize("page", ["report", "served"])
def test_recordings_of_any_name_play_at_their_best(page, request):
    browser = request.getfixturevalue(page)
    for k in range(len(FILES)):
        browser.execute_script("document.querySelectorAll('.play')[arguments[0]].focus()", k)
        keys(browser, "ENTER")
        state = until(
            browser,
            "const a = document.getElementById('audio'); return (a.error || a.readyState > 2) && "
            "[a.error && a.error.message, a.getAttribute('src'), a.currentTime, a.duration]",
        )
        track = browser.execute_script(
            "const t = document.querySelectorAll('.track')[arguments[0]].track; return [t.start_s, t.end_s]", k
        )
        assert state[0] is None and state[1].endswith(f"#t={track[0]:.1f},{track[1]:.1f}"), FILES[k]
        assert state[2] >= track[0] - 0.1 and state[3] == pytest.approx(20, abs=0.1)
    row = "document.querySelectorAll('.track')[arguments[0]]"
    until(browser, f"return {row}.classList.contains('playing')", k)
    label = browser.execute_script(f"return {row}.querySelector('.play').ariaLabel", k)
    assert label.startswith("Pause ")
    keys(browser, "ENTER")
    until(browser, "return document.getElementById('audio').paused")
    assert browser.execute_script(f"return {row}.querySelector('.play').ariaLabel", k).startswith("Play ")
    assert complaints(browser) == []


def test_a_recording_that_is_gone_is_said_so(report):
    report.execute_script("document.querySelectorAll('.play')[arguments[0]].click()", len(FILES))
    status(report, "can't be played here")
    assert "track 00" in report.execute_script("return document.getElementById('playing').textContent")


def test_seeking_is_by_parts(served):
    served.execute_script("document.querySelectorAll('.play')[1].click()")
    until(served, "return document.getElementById('audio').readyState > 2")
    messages = [json.loads(entry["message"])["message"] for entry in served.get_log("performance")]
    codes = [
        m["params"]["response"]["status"]
        for m in messages
        if m["method"] == "Network.responseReceived" and "/audio/" in m["params"]["response"]["url"]
    ]
    assert codes and set(codes) == {206}
    served.execute_script("document.getElementById('audio').currentTime = 15")
    until(served, "const a = document.getElementById('audio'); return !a.seeking && a.currentTime >= 15")


def test_the_server_is_asked_for_what_is_shown_alone(served):
    slide(served, "Action", "END")
    status(served, "best first")
    own = served.current_url.partition("#")[0]
    asked = requests(served)
    assert asked and all(url.startswith(own) for url in asked) and len(asked) < 8


def test_a_server_that_ended_is_said_so(served):
    served.execute_script("window.fetch = () => Promise.reject(new TypeError('Failed to fetch'))")
    slide(served, "Action", "END")
    status(served, "program that shows this page has ended")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_can_be_read(report, scheme):
    report.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    try:
        slide(report, "Drama", "END")
        slide(report, "Comedy", "HOME")
        status(report, "best first")
        colours = report.execute_script(
            "const of = (s, p) => getComputedStyle(document.querySelector(s))[p].match(/[\\d.]+/g).map(Number);"
            "return [of('body', 'backgroundColor'), ...arguments[0].map((s) => of(s, 'color'))]",
            "h3|.words|#status|output|.less output|.actions a|.actions button|.score span|footer p|.hint".split("|"),
        )
    finally:
        report.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    paper = luminance(colours[0])
    assert (paper > 0.5) == (scheme == "light")
    for colour in colours[1:]:
        darker, lighter = sorted([luminance(colour), paper])
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, colour  # WCAG 2.1, 1.4.3


def luminance(colour):
    """Return the relative luminance of an sRGB colour (WCAG 2.1)."""
    c = np.array(colour[:3]) / 255
    return float(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


def test_a_narrow_window_needs_no_scrolling_aside(report):
    report.set_window_size(500, 900)
    try:
        width = until(report, "return innerWidth < 600 && [document.documentElement.scrollWidth, innerWidth]")
        assert width[0] <= width[1]
    finally:
        report.set_window_size(1280, 1000)


def test_two_thousand_tracks_are_quick(browser, tmp_path):
    rng = np.random.default_rng(0)
    empty_library(tmp_path / "library")
    add_tracks(tmp_path / "library", {f"/music/{k % 150}/{k}.ogg": made_up_analysis(rng, 25) for k in range(2050)})
    assert filmscore_agent.main(["report", str(tmp_path / "r.html"), "--library", str(tmp_path / "library")]) == 0
    assert (tmp_path / "r.html").stat().st_size < 4_000_000
    opened(browser, (tmp_path / "r.html").as_uri())
    status(browser, "2,000 tracks")
    assert browser.execute_script("return document.getElementById('about').textContent").startswith(
        "2,000 of the library's 2,050 tracks"
    )
    work = """
        let added = 0;
        const watch = new MutationObserver((all) => all.forEach((each) => { added += each.addedNodes.length; }));
        watch.observe(document.getElementById('tracks'), { childList: true });
        const slider = document.getElementById('genre-0'), began = performance.now();
        slider.value = arguments[0];
        slider.dispatchEvent(new Event('input'));
        const drawn = () => requestAnimationFrame(() => (added ? rested() : drawn()));
        let rested;
        return new Promise((done) => { rested = () => done([performance.now() - began, added]); drawn(); });
    """
    for value in ("1", "-1", "0.3"):
        took_ms, added = browser.execute_script(work, value)
        assert 20 <= added <= 80 and took_ms < 3000
        assert len(ids(browser)) <= 80
    print(f"{took_ms:.0f} ms from a step of a slider to what it shows")


def test_what_goes_into_a_report(folder, tmp_path, capsys):
    arguments = ["--library", str(folder / "library")]
    assert (
        filmscore_agent.main(["report", str(tmp_path / "r.html"), *arguments, "--want", "drama", "--limit", "5"]) == 0
    )
    assert "64 more did not go in: it has those that fit the mix best" in capsys.readouterr().out
    about = library_of(tmp_path / "r.html")
    with Library.open(folder / "library") as library:
        best = {match.track.id for match in find(library, {"Drama": 1.0}, limit=5)}
    assert {track["id"] for track in about["tracks"]} == best and about["weights"] == [0, 0, 1, 0]
    assert all(other[0] in best for track in about["tracks"] for other in track["like"])
    assert filmscore_agent.main(["report", str(tmp_path / "r.txt"), *arguments]) == 2
    assert "expected a FILE that ends with .html" in capsys.readouterr().err
    assert filmscore_agent.main(["report", str(tmp_path / "x.html"), *arguments, "--text", "nothing like it"]) == 2
    assert "no track of" in capsys.readouterr().err and not (tmp_path / "x.html").exists()
    assert filmscore_agent.main(["report", str(tmp_path / "none" / "x.html"), *arguments]) == 2
    assert "x.html: No such file or directory" in capsys.readouterr().err


def test_a_report_moves_with_its_music(folder, tmp_path):
    shutil.copy(folder / "report.html", tmp_path / "elsewhere.html")
    uris = [track["uri"] for track in library_of(tmp_path / "elsewhere.html")["tracks"]]
    assert uris[0] == "./music/caf%E9%20%FF.flac" and uris[6] == "./music/javascript%3Awindow.evil%3D4.flac"
    assert uris[1] == "./music/one%20100%25%20%231%3Fa%3Db%26c.flac" and uris[8].startswith("file:///music/album%200/")


def library_of(path):
    """Return the data in a page, read without a browser."""
    head, _, rest = path.read_text(encoding="utf-8").partition('<script type="application/json" id="library">')
    text = rest.partition("</script>")[0]
    assert head and text.isascii() and not set("<>&") & set(text)
    return json.loads(text)


def press_play(browser, place=0):
    browser.execute_script("document.querySelectorAll('#tracks .play')[arguments[0]].click()", place)


def test_play_after_pause_goes_on_where_it_was(served):
    served.execute_script(
        "const e = document.getElementById('text'); e.value = 'quoted'; e.dispatchEvent(new Event('input'))"
    )
    status(served, "1 track")
    press_play(served)
    until(served, "return document.getElementById('audio').currentTime > 0.3")
    press_play(served)
    until(served, "return document.getElementById('audio').paused")
    at_s = served.execute_script("document.getElementById('audio').currentTime = 6; return 6")
    until(served, "return document.querySelector('.play').ariaLabel.endsWith('from 0:06')")
    press_play(served)
    until(served, "return !document.getElementById('audio').paused && document.getElementById('audio').currentTime > 6")
    assert served.execute_script("return document.getElementById('audio').currentTime") < at_s + 5


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


def test_a_printed_page_says_what_was_asked_for_in_dark_ink(report):
    slide(report, "Drama", "END")
    status(report, "best first")
    report.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"media": "print", "features": [{"name": "prefers-color-scheme", "value": "dark"}]},
    )
    try:
        shown = report.execute_script(
            "const style = (query) => getComputedStyle(document.querySelector(query));"
            "return [style('#asked').display, document.getElementById('asked').textContent, style('form').display,"
            " style('body').backgroundColor, style('.track').contentVisibility, style('.curve .area').fill]"
        )
        assert shown == ["block", "Drama +1.0", "none", "rgb(255, 255, 255)", "visible", "rgb(98, 140, 154)"]
        assert len(base64.b64decode(report.execute_cdp_cmd("Page.printToPDF", {})["data"])) > 10_000
    finally:
        report.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


@pytest.mark.parametrize("page", ["report", "served"])
def test_labels_say_what_is_seen(page, request):
    """Someone who speaks to the browser says the words that are shown (WCAG 2.5.3)."""
    browser = request.getfixturevalue(page)
    browser.execute_script("document.querySelector('#tracks .actions button').click()")
    labelled = browser.execute_script(
        "return [...document.querySelectorAll('a, button')].map((e) => [e.textContent.trim(), e.ariaLabel])"
    )
    assert len(labelled) > 40
    assert all(label is None or words in label for words, label in labelled)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_rails_fields_and_curves_stand_out(report, scheme):
    """At least 3:1 from what is around them (WCAG 1.4.11), also where the best part is marked."""
    feature = [{"name": "prefers-color-scheme", "value": scheme}]
    report.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": feature})
    try:
        names = ["--edge", "--more-soft", "--more-most", "--less-soft", "--less-most", "--best-line"]
        colour = "return getComputedStyle(document.documentElement).getPropertyValue(arguments[0]).trim()"
        for name in names:
            for ground in ("--paper", "--raised") if name == "--edge" else ("--paper", "--best"):
                assert contrast(report.execute_script(colour, name), report.execute_script(colour, ground)) >= 3, name
        border = report.execute_script("return getComputedStyle(document.getElementById('text')).borderColor")
        edge = report.execute_script(colour, "--edge")
        assert border == "rgb({}, {}, {})".format(*(int(edge[k : k + 2], 16) for k in (1, 3, 5)))
    finally:
        report.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


def contrast(one, other):
    """Return the contrast of two colours by WCAG 2.1."""

    def luminance(colour):
        parts = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
        return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_forced_colours_keep_rails_and_curves(report):
    report.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "forced-colors", "value": "active"}]})
    try:
        colours = report.execute_script(
            "const root = getComputedStyle(document.body), area = getComputedStyle(document.querySelector('.area'));"
            "const carried = getComputedStyle(document.querySelector('.carried'));"
            "return [root.backgroundColor, area.fill, carried.fill]"
        )
        assert len(set(colours)) == 3
    finally:
        report.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_an_empty_library_says_how_to_scan(browser, tmp_path, capsys):
    library = empty_library(tmp_path / "library")
    with Library.open(library, shared=True) as opened_library, Server(opened_library) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        browser.get(server.url)
        status(browser, "No tracks yet. Scan a folder of music: filmscore_agent.py scan FOLDER")
        browser.get("about:blank")
        server.shutdown()
        thread.join()
    assert filmscore_agent.main(["report", str(tmp_path / "x.html"), "--library", str(library)]) == 2
    assert filmscore_agent.main(["find", "--want", "action", "--library", str(library)]) == 1
    said = capsys.readouterr()
    assert "scan FOLDER" in said.out and "has no tracks yet. Scan a folder" in said.err


def test_a_long_title_is_cut_and_can_be_seen(browser, tmp_path):
    rng = np.random.default_rng(0)
    empty_library(tmp_path / "library")
    long = dataclasses.replace(made_up_analysis(rng), title="very long " * 50)
    add_tracks(tmp_path / "library", {"/music/a.ogg": long})
    assert filmscore_agent.main(["report", str(tmp_path / "a.html"), "--library", str(tmp_path / "library")]) == 0
    opened(browser, (tmp_path / "a.html").as_uri())
    height = "return document.querySelector('.track h3').getBoundingClientRect().height"
    cut = browser.execute_script(height)
    browser.execute_script("document.querySelector('.actions button').click()")
    assert browser.execute_script(height) > 2 * cut
    assert browser.execute_script("return document.querySelector('.track h3').title").startswith("very long very")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", ["report", "served"])
def test_axe_finds_nothing_wrong_in_any_view(page, scheme, request):
    """The rules of WCAG 2.2 AA, best practice and what axe tries out; it comes with `pip install axe-core-python`."""
    package = pytest.importorskip("axe_core_python")
    axe = (Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice", "experimental"]
    names = "JSON.stringify(found.violations.map((each) => each.id))"
    run = f"axe.run(document, {{runOnly: {tags}}}).then((found) => {names})"
    browser = request.getfixturevalue(page)

    def violations():
        asked = {"expression": f"{axe};{run}", "awaitPromise": True}
        return json.loads(browser.execute_cdp_cmd("Runtime.evaluate", asked)["result"]["value"])

    feature = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": feature})
    try:
        assert violations() == []
        slide(browser, "Drama", "END")
        status(browser, "best first")
        assert violations() == []
        browser.execute_script("document.querySelector('#tracks .actions button').click()")
        assert violations() == []
        browser.execute_script("document.querySelector('#tracks .actions a').click()")
        status(browser, "most alike")
        assert violations() == []
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
