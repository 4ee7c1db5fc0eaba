"""The server of the agent's page: it answers this machine alone, gives recordings by number, and can change nothing."""

import hashlib
import http.client
import json
import mimetypes
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import filmscore_agent
import numpy as np
import pytest
import soundfile

from filmscore.agent import server as serving_module
from filmscore.agent.library import Library, LibraryError
from filmscore.agent.search import Reference, find, similar
from filmscore.agent.server import HEADERS, Server, type_of
from tests.examples.agent_library import add_tracks, empty_library, made_up_analysis, write_noise

PROGRAM = Path(filmscore_agent.__file__)
ODD = os.fsdecode(b"2 #%\xe9.flac")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Make a library of 60 tracks, of which the first three have files, with a private file beside them."""
    folder = tmp_path_factory.mktemp("served")
    names = ["0.flac", "1.flac", ODD, *(f"{k}.flac" for k in range(3, 60))]
    for k, name in enumerate(names[:3]):
        write_noise(folder / "music" / name, k)
    (folder / "music" / "secret.txt").write_text("secret")
    rng = np.random.default_rng(0)
    empty_library(folder / "library")
    add_tracks(folder / "library", {str(folder / "music" / name): made_up_analysis(rng, 2) for name in names})
    return folder


@pytest.fixture(scope="module")
def server(folder):
    with serving(folder / "library") as server:
        yield server


@contextmanager
def serving(folder):
    """Serve a library from a thread."""
    with Library.open(folder, shared=True) as library, Server(library) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def ask(server, path, method="GET", **headers):
    """Return status, headers and body of an answer; the path is sent as it is."""
    connection = http.client.HTTPConnection(*server.server_address, timeout=20)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def ask_json(server, path):
    status, _, body = ask(server, path)
    return status, json.loads(body)


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


def test_no_name_makes_a_browser_run_a_recording(tmp_path):
    """A recording with a script in its title is sent as sound, whatever ending its name has."""
    endings = sorted({*mimetypes.types_map, *mimetypes.common_types, ".shtml", ".xhtml", ".svgz", ".mht", ""})
    write_noise(tmp_path / "one", 0, seconds=1.0, format="MP3", subtype="MPEG_LAYER_III")
    with soundfile.SoundFile(tmp_path / "tagged.mp3", "w", 22050, 1, format="MP3") as file:
        file.title = "<script>window.evil = 1</script>"
        file.write(soundfile.read(tmp_path / "one")[0])
    names = [f"song.mp3{ending}" for ending in endings]
    for name in names:
        os.link(tmp_path / "tagged.mp3", tmp_path / name)
    assert b"<script>" in (tmp_path / names[0]).read_bytes()
    rng = np.random.default_rng(0)
    empty_library(tmp_path / "library")
    add_tracks(tmp_path / "library", {str(tmp_path / name): made_up_analysis(rng, 2) for name in names})
    with serving(tmp_path / "library") as server:
        for number, name in enumerate(names, 1):
            status, headers, _ = ask(server, f"/audio/{number}", method="HEAD")
            assert (status, headers["Content-Type"]) == (200, "audio/mpeg"), name
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        for path in ("/api/find", "/none", "/audio/0"):
            assert ask(server, path)[1]["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


@pytest.mark.parametrize(("form", "expected"), [("FLAC", "flac"), ("WAV", "wav"), ("OGG", "ogg"), ("AIFF", "aiff")])
def test_a_recording_is_sent_as_what_it_is(tmp_path, form, expected):
    write_noise(tmp_path / "page.html", 0, seconds=1.0, format=form)
    assert type_of(str(tmp_path / "page.html")) == f"audio/{expected}"


def test_a_format_without_a_known_type_is_sent_as_bytes(tmp_path):
    write_noise(tmp_path / "page.html", 0, seconds=1.0, format="W64")
    assert type_of(str(tmp_path / "page.html")) == "application/octet-stream"


def test_a_name_that_is_no_text_is_served(server, folder):
    assert ask(server, "/audio/3")[2] == Path(folder, "music", ODD).read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        "/audio/4", "/audio/61", "/audio/0", "/audio/", "/audio/1/", "/audio/-1", "/audio/secret.txt",
        "/audio/../music/secret.txt", "/audio/..%2f..%2fmusic/secret.txt", "/music/0.flac", "//etc/passwd",
        "/etc/passwd",
        "/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/page.css", "/library.sqlite",
        "/audio/1%00", "/api", "/api/find/", "/audio/999999999999999999",
    ],
)  # fmt: skip
def test_there_is_nothing_else(server, path):
    status, _, body = ask(server, path)
    assert status == 404 and b"secret" not in body and b"root:" not in body


def test_only_what_was_scanned_is_served(tmp_path):
    """Neither a replaced file, nor a pipe or link in its place, nor a file that is no recording."""
    music = tmp_path / "music"
    for k in range(4):
        write_noise(music / f"{k}.flac", k)
    (music / "secret.txt").write_text("secret " * 1000)
    rng = np.random.default_rng(0)
    names = ["0.flac", "1.flac", "2.flac", "3.flac", "secret.txt"]
    empty_library(tmp_path / "library")
    add_tracks(tmp_path / "library", {str(music / name): made_up_analysis(rng, 2) for name in names})
    write_noise(music / "0.flac", 9)
    (music / "1.flac").unlink()
    os.mkfifo(music / "1.flac")
    (music / "2.flac").unlink()
    (music / "2.flac").symlink_to("/etc/passwd")
    with serving(tmp_path / "library") as server:
        for number in (1, 2, 3, 5):
            status, answer = ask_json(server, f"/audio/{number}")
            assert status == 404 and "as it was scanned; scan again" in answer["error"]
        assert ask(server, "/audio/4")[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:PORT", "127.0.0.1", "localhost:1", "127.0.0.1:PORT.evil.example", ""]
)
def test_another_name_is_refused(server, host):
    status, _, body = ask(server, "/api/find", Host=host.replace("PORT", str(server.server_address[1])))
    assert status == 421 and b"answers to no other name" in body


def test_a_request_needs_one_name(server):
    port = server.server_address[1]
    own = f"localhost:{port}"
    for place, hosts in (("/", ()), ("/", (own, "evil.example")), ("http://evil.example/", ("evil.example",))):
        with socket.create_connection(server.server_address, timeout=20) as connection:
            lines = [f"GET {place} HTTP/1.1", *(f"Host: {host}" for host in hosts), "Connection: close", "", ""]
            connection.sendall("\r\n".join(lines).encode())
            assert connection.makefile("rb").readline().split()[1] == b"421"
    assert ask(server, "/", Host=f"LOCALHOST:{port}")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"])
def test_nothing_can_be_sent(server, method):
    status, headers, _ = ask(server, "/api/find", method=method)
    assert status == 405 and headers["Allow"] == "GET, HEAD" and headers["Connection"] == "close"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ("BREW / HTTP/1.1\r\nHost: HOST\r\n\r\n", 501),
        ("nothing\r\n\r\n", 400),
        ("GET /\r\n\r\n", 421),
        ("GET / HTTP/7.0\r\nHost: HOST\r\n\r\n", 505),
        ("GET /" + "a" * 70_000 + " HTTP/1.1\r\n\r\n", 414),
        ("GET / HTTP/1.1\r\n" + "a: b\r\n" * 200 + "\r\n", 431),
    ],
)
def test_what_is_no_request_gets_the_same_headers(server, request_, status):
    with socket.create_connection(server.server_address, timeout=20) as connection:
        connection.sendall(request_.replace("HOST", server.url[7:-1]).encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == status and answer.headers["Connection"] == "close"
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert answer.headers["Content-Type"] == "application/json" and json.loads(answer.read())["error"]


def test_a_connection_that_drips_is_cut(folder, monkeypatch):
    """Bytes that come one by one never make a silence, but their request must be there in time."""
    monkeypatch.setattr(serving_module, "REQUEST_S", 0.5)
    with serving(folder / "library") as server, socket.create_connection(server.server_address, timeout=20) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\n")
        began = time.monotonic()
        with pytest.raises(ConnectionError):  # the second byte after the end is refused
            while time.monotonic() - began < 20:
                slow.sendall(b"a")
                time.sleep(0.02)
        assert 0.4 < time.monotonic() - began < 15
        assert ask(server, "/api/find")[0] == 200


def test_more_connections_than_a_browser_needs_are_refused(folder, monkeypatch):
    monkeypatch.setattr(serving_module, "CONNECTIONS", 3)
    with serving(folder / "library") as server:
        kept = [socket.create_connection(server.server_address, timeout=20) for _ in range(3)]
        with pytest.raises((ConnectionError, http.client.BadStatusLine)):
            ask(server, "/api/find")
        kept.pop().close()
        deadline = time.monotonic() + 20
        while True:  # the server sees the end of a connection a moment later
            try:
                assert ask(server, "/api/find")[0] == 200
                break
            except (ConnectionError, http.client.BadStatusLine):
                assert time.monotonic() < deadline
        for connection in kept:
            connection.close()


def test_a_body_is_not_taken_for_the_next_request(server):
    with socket.create_connection(server.server_address, timeout=20) as connection:
        host = f"Host: localhost:{server.server_address[1]}\r\n"
        inner = f"GET /audio/1 HTTP/1.1\r\n{host}\r\n"
        connection.sendall(f"GET /audio/0 HTTP/1.1\r\n{host}Content-Length: {len(inner)}\r\n\r\n{inner}".encode())
        assert connection.makefile("rb").read().count(b"HTTP/1.1 ") == 1


def test_the_library_can_not_be_written(server, folder):
    before = {path.name: hashlib.sha256(path.read_bytes()).digest() for path in (folder / "library").iterdir()}
    connection = server.answers.library.connection
    for statement in ("DELETE FROM label", "INSERT INTO label VALUES (1, '[]', '', 0)", "PRAGMA user_version = 7"):
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("PRAGMA query_only = 0")
            connection.execute(statement)
    for path in ("/api/find?weights=1,0,0,0", "/audio/1", "/api/similar?track=2&from=0&to=9"):
        assert ask(server, path)[0] == 200
    after = {path.name: hashlib.sha256(path.read_bytes()).digest() for path in (folder / "library").iterdir()}
    assert after == before


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


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::", "example.org", "10.0.0.1"])
def test_others_are_never_served(folder, capsys, host):
    assert filmscore_agent.main(["serve", "--library", str(folder / "library"), "--host", host, "--port", "0"]) == 2
    assert "--host: expected an address that only this machine has" in capsys.readouterr().err


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
