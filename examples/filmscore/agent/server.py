"""A library as a page for this machine: an HTTP server that answers no other machine and can change nothing.

Recordings are served by the number of their track, never by a path, and only as long as they are what was scanned.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import re
import socket
import stat
import sys
import threading
import time
import urllib.parse
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, Any

from filmscore.agent import webpage
from filmscore.agent.answers import Answers
from filmscore.agent.library import Library
from mfcc import AudioError
from mfcc.sound.decoding import Decoder
from mfcc.sound.errors import printable

BLOCK = 1 << 16
"""Bytes of a recording that are sent at a time."""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every answer: no other site may show, embed or read it, and a browser runs and loads nothing for it.
The page alone has a policy of its own."""
TYPES = {
    "AIFF": "audio/aiff",
    "AU": "audio/basic",
    "CAF": "audio/x-caf",
    "FLAC": "audio/flac",
    "MP3": "audio/mpeg",
    "OGG": "audio/ogg",
    "WAV": "audio/wav",
    "WAVEX": "audio/wav",
}
"""Format, as libsndfile found it in the content, to the type that is sent. The name of a file has no say: a browser
would run the scripts of a recording that is sent as a page."""
OTHER_TYPE = "application/octet-stream"


REQUEST_S = 20.0
"""Longest time for a request to arrive whole, counted from the answer before it [s]; then the connection is cut."""
CONNECTIONS = 64
"""Most connections at a time. A browser opens six."""


class Refusal(Exception):
    """A request that is refused with a status and a reason."""

    def __init__(self, status: HTTPStatus, reason: str, **headers: str) -> None:
        super().__init__(reason)
        self.status, self.reason, self.headers = status, reason, headers


class Server(ThreadingHTTPServer):
    """A server of a library at an address of this machine.

    Parameters
    ----------
    library : Library
        Opened with `shared`.
    host : str
        An address of the loopback, such as 127.0.0.1 or ::1.
    port : int
        0 for any that is free.

    Raises
    ------
    ValueError
        For an address that others could reach.
    OSError
        When the port is taken.
    """

    daemon_threads = True
    allow_reuse_address = os.name != "nt"  # Windows would give one port to two programs

    def __init__(self, library: Library, host: str = "127.0.0.1", port: int = 0) -> None:
        try:
            address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
        except ValueError:
            address = None
        if address is None or not address.is_loopback:
            raise ValueError(f"expected an address that only this machine has, such as 127.0.0.1 or ::1, got {host!r}")
        self._awaited: dict[socket.socket, float] = {}  # connection -> time by which its request must be there
        self._open = threading.BoundedSemaphore(CONNECTIONS)
        self.address_family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
        self.own_name = f"[{address}]" if address.version == 6 else str(address)
        self.answers = Answers(library)
        about = webpage.about_library(library, f"{library.n_tracks:,} tracks") | {"parts": True}
        sources = "connect-src 'self'; media-src 'self'"
        self.page = webpage.page(about, sources).encode()
        self.page_policy = f"{webpage.policy(sources)}; frame-ancestors 'none'"
        super().__init__((str(address), port), Handler)

    @property
    def url(self) -> str:
        return f"http://{self.own_name}:{self.server_address[1]}/"

    def is_own(self, host: str | None) -> bool:
        """Return whether a Host header names this server; another name means that a foreign page was sent here."""
        names = (self.own_name, "localhost")
        ports = (f":{self.server_address[1]}", *([""] if self.server_address[1] == 80 else []))
        return host is not None and host.lower() in {name + port for name in names for port in ports}

    def awaits(self, connection: socket.socket, waiting: bool) -> None:
        """Note whether a connection owes a request."""
        if waiting:
            self._awaited[connection] = time.monotonic() + REQUEST_S
        else:
            self._awaited.pop(connection, None)

    def service_actions(self) -> None:
        """Cut the connections that have owed a request for too long, though some bytes of it may have come."""
        now = time.monotonic()
        for connection, latest in list(self._awaited.items()):
            if now > latest:
                self._awaited.pop(connection, None)
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Return whether there is room for one more connection."""
        return self._open.acquire(blocking=False)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection, and make room for another."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.awaits(request, False)
            self._open.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what went wrong, unless a browser only hung up."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """A handler of one request."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = 60.0
    """Longest time that the reader of an answer may take for a block of it [s]."""

    def handle_one_request(self) -> None:
        """Wait for a request, for no longer than `REQUEST_S`, and answer it."""
        self.server.awaits(self.connection, True)
        super().handle_one_request()

    def parse_request(self) -> bool:
        """Read the headers of a request; return whether it can be answered."""
        read = super().parse_request()
        self.server.awaits(self.connection, False)
        return read

    def do_GET(self) -> None:
        try:
            self._answer()
        except Refusal as refusal:
            self._send_json(refusal.status, {"error": refusal.reason}, refusal.headers)

    do_HEAD = do_GET

    def _refuse_method(self) -> None:
        self.close_connection = True  # the body of the request is not read
        self._send_json(HTTPStatus.METHOD_NOT_ALLOWED, {"error": "nothing can be changed here"}, {"Allow": "GET, HEAD"})

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = do_CONNECT = _refuse_method

    def _answer(self) -> None:
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # the body of the request is not read
        if not self.server.is_own(self.headers.get("Host")) or len(self.headers.get_all("Host", [])) != 1:
            raise Refusal(HTTPStatus.MISDIRECTED_REQUEST, f"this is {self.server.url}, and answers to no other name")
        path, _, query = self.path.partition("?")
        if path == "/":
            policy = {"Content-Security-Policy": self.server.page_policy}
            return self._send(HTTPStatus.OK, self.server.page, "text/html; charset=utf-8", policy)
        if match := re.fullmatch(r"/audio/([0-9]{1,15})", path):
            return self._send_recording(int(match[1]))
        answers = self.server.answers
        api = {"/api/find": answers.find, "/api/similar": answers.similar, "/api/explain": answers.explain}
        if path not in api:
            raise Refusal(HTTPStatus.NOT_FOUND, "there is nothing here")
        try:
            asked = dict(urllib.parse.parse_qsl(query, max_num_fields=20, keep_blank_values=True))
            return self._send_json(HTTPStatus.OK, api[path](asked))
        except ValueError as error:  # LibraryError is a ValueError
            raise Refusal(HTTPStatus.BAD_REQUEST, printable(str(error))) from error

    def _send_recording(self, number: int) -> None:
        opened = self._open(number)
        if opened is None:
            raise Refusal(HTTPStatus.NOT_FOUND, f"no recording of track {number} is as it was scanned; scan again")
        file, kind = opened
        with file:
            size = os.fstat(file.fileno()).st_size
            asked = None if "If-Range" in self.headers else self.headers.get("Range")  # there are no validators
            headers = {"Content-Type": kind, "Accept-Ranges": "bytes"}
            try:
                part = byte_range(asked, size)
            except ValueError as error:
                nothing = {"Content-Range": f"bytes */{size}"}
                raise Refusal(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, str(error), **nothing) from error
            if part is not None:
                headers["Content-Range"] = f"bytes {part[0]}-{part[1] - 1}/{size}"
            first, end = part or (0, size)
            headers["Content-Length"] = str(end - first)
            self._begin(HTTPStatus.OK if part is None else HTTPStatus.PARTIAL_CONTENT, headers)
            if self.command != "HEAD":
                self._send_bytes(file, first, end)

    def _open(self, number: int) -> tuple[IO[bytes], str] | None:
        """Open a present file of a track if it is unchanged since the scan; return it with its type."""
        for path, stamp in self.server.answers.files(number):
            try:
                file = open(path, "rb", opener=_opener)
            except OSError:
                continue
            status = os.fstat(file.fileno())
            same = stat.S_ISREG(status.st_mode) and (status.st_size, status.st_mtime_ns) == (stamp.size, stamp.mtime_ns)
            kind = type_of(path) if same else None
            if kind is not None:
                return file, kind
            file.close()
        return None

    def _send_bytes(self, file: IO[bytes], first: int, end: int) -> None:
        file.seek(first)
        while first < end:
            block = file.read(min(BLOCK, end - first))
            if not block:  # the file was cut short meanwhile
                self.close_connection = True
                return
            self.wfile.write(block)
            first += len(block)

    def _send_json(self, status: HTTPStatus, data: Any, headers: Mapping[str, str] | None = None) -> None:
        self._send(status, json.dumps(data, allow_nan=False).encode(), "application/json", headers)

    def _send(self, status: HTTPStatus, body: bytes, kind: str, headers: Mapping[str, str] | None = None) -> None:
        self._begin(status, {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _begin(self, status: HTTPStatus, headers: Mapping[str, str]) -> None:
        self.request_version = self.protocol_version  # a request without a version would be answered without headers
        self.send_response(status)
        for name, value in (HEADERS | dict(headers)).items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what the base class can't take: a method without a name here, lines that are no request."""
        self.close_connection = True
        self._send_json(HTTPStatus(code), {"error": printable(message or HTTPStatus(code).phrase)})

    def version_string(self) -> str:
        return "filmscore"

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the terminal is the user's."""


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return first byte, and the one behind the last, that a Range header asks for; None if it is to be ignored.

    A header is ignored if it asks for several parts or makes no sense (RFC 9110, 14.2).

    Raises
    ------
    ValueError
        When there are no such bytes.

    Examples
    --------
    >>> byte_range("bytes=2-4", 10), byte_range("bytes=7-", 10), byte_range("bytes=-3", 10)
    ((2, 5), (7, 10), (7, 10))
    >>> byte_range(None, 10), byte_range("bytes=1-2,4-5", 10)
    (None, None)
    """
    match = re.fullmatch(r"bytes=([0-9]{0,18})-([0-9]{0,18})", (header or "").replace(" ", ""))
    if not match or match[0] == "bytes=-" or (match[1] and match[2] and int(match[1]) > int(match[2])):
        return None
    first = int(match[1]) if match[1] else max(0, size - int(match[2]))
    end = min(int(match[2]) + 1, size) if match[1] and match[2] else size
    if first >= end:
        raise ValueError(f"the recording has {size} bytes, got {header!r}")
    return first, end


def type_of(path: str) -> str | None:
    """Return the type of a recording by its content; None if it can't be decoded, whatever a library says about it."""
    try:
        with Decoder(path) as decoder:
            return TYPES.get(decoder.format, OTHER_TYPE)
    except (AudioError, OSError):
        return None


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # opening a pipe would wait for a writer
