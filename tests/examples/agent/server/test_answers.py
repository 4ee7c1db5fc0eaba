"""The server of the agent's page answers as the commands do, and gives recordings by number."""

import http.client
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import filmscore_agent
import pytest

from filmscore.agent.library import Library, LibraryError
from filmscore.agent.search import Reference, find, similar
from filmscore.agent.server import Server, type_of
from tests.examples.agent.libraries import empty_library, write_noise
from tests.examples.agent.server.asking import ODD, ask, ask_json

PROGRAM = Path(filmscore_agent.__file__)


def test_the_page_holds_no_tracks_and_loads_nothing_from_elsewhere(server):
    status, headers, body = ask(server, "/")
    assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8" and len(body) < 60_000
    policy = re.search(rb'Content-Security-Policy" content="([^"]+)"', body)[1]
    assert b"default-src &#x27;none&#x27;" in policy and b"unsafe" not in policy and b"http" not in policy
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin" and headers["X-Content-Type-Options"] == "nosniff"
    # The header of the page says the same as the page itself, and that no other page may show it.
    expected = policy.decode().replace("&#x27;", "'") + "; frame-ancestors 'none'"
    assert headers["Content-Security-Policy"] == expected and "connect-src 'self'" in expected


def test_answers_are_those_of_the_commands(server, folder):
    with Library.open(folder / "library") as library:
        expected = find(library, {"Drama": 1.0, "Comedy": -0.5}, limit=25)
        _, answer = ask_json(server, "/api/find?weights=0,-0.5,1,0&count=15")
        _, rest = ask_json(server, "/api/find?weights=0,-0.5,1,0&first=15&count=10")
        rows = answer["rows"] + rest["rows"]
        assert [row["id"] for row in rows] == [match.track.id for match in expected]
        assert [row["score"] for row in rows] == pytest.approx([match.score for match in expected], abs=1e-4)
        assert rows[0]["start_s"] == pytest.approx(expected[0].start_s, abs=0.01) and answer["total"] == 60

        _, answer = ask_json(server, "/api/similar?track=7")
        expected = similar(library, Reference.of_track(library, 7), limit=40)
        assert [row["id"] for row in answer["rows"]] == [match.track.id for match in expected]
        _, answer = ask_json(server, "/api/explain?track=7")
        assert answer["id"] == 7 and len(answer["starts_s"]) == 2 and answer["score"] is None
        _, answer = ask_json(server, "/api/find?text=5.flac&least=10&count=3")
        assert [row["path"].rpartition("/")[2] for row in answer["rows"]] == ["5.flac", "15.flac", "25.flac"]
        assert answer["total"] == 6


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("find?weights=1,0.2", "expected 4 numbers"),
        ("find?weights=2,0,0,0", "expected a number from -1 to 1, got '2'"),
        ("find?weights=nan,0,0,0", "got 'nan'"),
        ("find?first=-1", "first: expected a whole number"),
        ("find?count=101", "expected a whole number up to 100"),
        ("find?least=x", "least: expected a number"),
        ("similar?track=61", "no track 61; there are 60"),
        ("similar?track=1e3", "track: expected a whole number"),
        ("similar?track=1&from=50&to=2", "with its begin before its end"),
        ("explain", "no track 0"),
        ("explain?track=999999999999999999999", "track: expected"),
        ("find?" + "&".join(f"a{k}=1" for k in range(50)), "Max number of fields exceeded"),
    ],
)
def test_requests_that_make_no_sense_get_a_reason(server, query, message):
    status, answer = ask_json(server, f"/api/{query}")
    assert status == 400 and message in answer["error"]


def test_a_recording_is_sent_whole_and_in_parts(server, folder):
    content = (folder / "music" / "0.flac").read_bytes()
    status, headers, body = ask(server, "/audio/1")
    assert (status, body) == (200, content) and headers["Accept-Ranges"] == "bytes"
    assert headers["Content-Type"] in ("audio/flac", "audio/x-flac") and "Content-Range" not in headers
    size = len(content)
    for asked, first, end in [("0-0", 0, 1), ("100-199", 100, 200), ("5-", 5, size), ("-7", size - 7, size)]:
        status, headers, body = ask(server, "/audio/1", Range=f"bytes={asked}")
        assert (status, body) == (206, content[first:end])
        assert headers["Content-Range"] == f"bytes {first}-{end - 1}/{size}" and int(headers["Content-Length"]) == len(
            body
        )
    assert ask(server, "/audio/1", Range=f"bytes=0-{10 * size}")[2] == content
    status, headers, _ = ask(server, "/audio/1", Range=f"bytes={size}-")
    assert status == 416 and headers["Content-Range"] == f"bytes */{size}"
    for ignored in ("bytes=3-1", "bytes=-", "bytes=1-2,5-6", "lines=1-2", "bytes=a-b"):
        assert ask(server, "/audio/1", Range=ignored)[::2] == (200, content)
    assert ask(server, "/audio/1", Range="bytes=0-3", If_Range='"x"')[0] == 200
    status, headers, body = ask(server, "/audio/1", method="HEAD", Range="bytes=0-9")
    assert (status, headers["Content-Length"], body) == (206, "10", b"")


@pytest.mark.parametrize(("form", "expected"), [("FLAC", "flac"), ("WAV", "wav"), ("OGG", "ogg"), ("AIFF", "aiff")])
def test_a_recording_is_sent_as_what_it_is(tmp_path, form, expected):
    write_noise(tmp_path / "page.html", 0, seconds=1.0, format=form)
    assert type_of(str(tmp_path / "page.html")) == f"audio/{expected}"


def test_a_format_without_a_known_type_is_sent_as_bytes(tmp_path):
    write_noise(tmp_path / "page.html", 0, seconds=1.0, format="W64")
    assert type_of(str(tmp_path / "page.html")) == "application/octet-stream"


def test_a_name_that_is_no_text_is_served(server, folder):
    assert ask(server, "/audio/3")[2] == Path(folder, "music", ODD).read_bytes()


def test_many_ask_at_once(server):
    found = []

    def work(number):
        for _ in range(5):
            found.append(ask_json(server, f"/api/explain?track={number}")[1]["id"] == number)
            found.append(ask(server, f"/audio/{number % 3 + 1}")[0] == 200)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 13)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 120 and all(found)


def test_the_address_of_the_loopback_may_be_a_new_one(folder):
    with Library.open(folder / "library", shared=True) as library:
        try:
            server = Server(library, "::1")
        except OSError:
            pytest.skip("this machine has no IPv6")
        with server:
            port = server.server_address[1]
            assert server.url == f"http://[::1]:{port}/" and server.is_own(f"[::1]:{port}")
            assert not server.is_own("[::1]") and not server.is_own(f"127.0.0.1:{port}")


def test_a_port_that_is_taken(server, folder, capsys):
    port = str(server.server_address[1])
    assert filmscore_agent.main(["serve", "--library", str(folder / "library"), "--port", port]) == 2
    assert f"port {port} is taken, perhaps by another `serve`. Choose another" in capsys.readouterr().err


def test_what_a_killed_scan_left_is_not_tidied_up_here(folder, tmp_path):
    """A journal can't be rolled back by a read-only connection; the message says which command can."""
    copy = tmp_path / "library"
    empty_library(copy)
    code = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA cache_size = 1')\n"
        "c.execute('BEGIN IMMEDIATE'); c.executemany(\"INSERT INTO about VALUES (?, ?)\", "
        "((str(k), 'x' * 500) for k in range(2000))); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, copy / "library.sqlite"], check=True)
    assert (copy / "library.sqlite-journal").stat().st_size
    with pytest.raises(LibraryError, match="any other command, such as `problems`, tidies up"):
        Library.open(copy, shared=True)
    Library.open(copy).connection.close()
    Library.open(copy, shared=True).connection.close()


def test_ctrl_c_ends_it(folder):
    command = [sys.executable, PROGRAM, "serve", "--library", folder / "library", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline()
        port = int(re.fullmatch(r"http://127\.0\.0\.1:(\d+)/  shows 60 tracks; Ctrl-C ends it\n", line)[1])
        idle = socket.create_connection(("127.0.0.1", port), timeout=20)  # a browser that keeps its connection
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/api/find")
        assert connection.getresponse().read()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        idle.close()
        connection.close()
    assert process.returncode == 0 and out == "\nended\n" and err == ""
