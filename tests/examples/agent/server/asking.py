"""A server in a thread, requests to it, and the odd name of one recording."""

import http.client
import json
import os
import threading
from contextlib import contextmanager

from filmscore.agent.library import Library
from filmscore.agent.server import Server

ODD = os.fsdecode(b"2 #%\xe9.flac")


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
