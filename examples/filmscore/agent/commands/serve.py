"""`serve`: the library as a page for the browsers of this machine, of any size."""

from __future__ import annotations

import argparse
import errno

from filmscore.agent.commands import common
from filmscore.agent.library import Library
from filmscore.agent.server import Server

HELP = "the same page for the whole library, while this program runs"
EXAMPLES = """\
filmscore serve
filmscore serve --port 0"""
PORT = 8765


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        type=port,
        default=PORT,
        metavar="N",
        help="port of this machine; 0 takes any that is free (%(default)s)",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="an address that other machines can't reach (%(default)s)",
    )
    common.add_library(parser)


def run(options: argparse.Namespace) -> int:
    with Library.open(options.library, shared=True) as library:
        try:
            server = Server(library, options.host, options.port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise ValueError(f"serve: {options.host}, port {options.port}: {error.strerror}") from error
            raise ValueError(
                f"serve: port {options.port} is taken, perhaps by another `serve`. Choose another with --port, or any "
                "that is free with --port 0."
            ) from error
        except ValueError as error:
            raise ValueError(f"--host: {error}") from error
        with server:
            print(f"{server.url}  shows {library.n_tracks:,} tracks; Ctrl-C ends it", flush=True)
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                print("\nended")
    return 0


def port(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= number < 2**16:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 65535, got {text!r}")
    return number
