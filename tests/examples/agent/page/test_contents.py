"""The contents of a page: tracks of any number and name, and nothing from elsewhere."""

import dataclasses
import json
import shutil
import threading

import filmscore_agent
import numpy as np

from filmscore.agent.library import Library
from filmscore.agent.search import find
from filmscore.agent.server import Server
from tests.examples.agent.libraries import add_tracks, empty_library, made_up_analysis
from tests.examples.agent.page.browser import complaints, ids, opened, requests, slide, status, until
from tests.examples.agent.page.hostile_names import EVIL


def test_the_report_asks_for_nothing(report, folder):
    slide(report, "Action", "END")
    status(report, "best first")
    report.execute_script("document.querySelector('.actions a').click()")
    status(report, "most alike")
    assert requests(report) == [(folder / "report.html").as_uri()] and complaints(report) == []
    page = (folder / "report.html").read_text()
    assert "http:" not in page.replace("http://www.w3.org/2000/svg", "") and "https:" not in page


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


def test_an_empty_library_says_how_to_scan(browser, tmp_path, capsys):
    library = empty_library(tmp_path / "library")
    with Library.open(library, shared=True) as opened_library, Server(opened_library) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        browser.get(server.url)
        status(browser, "No tracks yet. Scan a folder of music: filmscore scan FOLDER")
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
