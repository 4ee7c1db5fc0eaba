"""The server of the agent's page answers this machine alone, gives only what was scanned, and can change nothing."""

import hashlib
import http.client
import json
import mimetypes
import os
import socket
import sqlite3
import time

import filmscore_agent
import numpy as np
import pytest
import soundfile

from filmscore.agent import server as serving_module
from filmscore.agent.server import HEADERS
from tests.examples.agent.libraries import add_tracks, empty_library, made_up_analysis, write_noise
from tests.examples.agent.server.asking import ask, ask_json, serving


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


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::", "example.org", "10.0.0.1"])
def test_others_are_never_served(folder, capsys, host):
    assert filmscore_agent.main(["serve", "--library", str(folder / "library"), "--host", host, "--port", "0"]) == 2
    assert "--host: expected an address that only this machine has" in capsys.readouterr().err
