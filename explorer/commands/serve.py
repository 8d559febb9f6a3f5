"""`gpt-explorer serve`: the screen in a browser."""

import argparse
import ipaddress
import shlex
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

from explorer.commands.options import add_beginning, add_model, add_sampling, count, engine_of_call, sampling
from explorer.commands.parser import Parser
from explorer.commands.words import text_of
from explorer.errors import ServeError, UsageError
from explorer.terminal import output
from explorer.terminal.glyphs import quoted

if TYPE_CHECKING:
    from explorer.web.server import BrowserServer

HOST, PORT = "127.0.0.1", 8000
_HIGHEST = 65535

_ALOUD = (
    "Whoever has this address runs the program on this machine, as you: it opens models and files that you can read, "
    "and writes pictures and bookmarks where you can write."
)
_BEYOND = "It can be reached from other machines, and nothing on the way is encrypted: do this in a network you trust."


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpt-explorer serve",
        description="Open the screen in a browser. Each page has a program of its own behind it, which ends with it. "
        "Control-C ends the server and all of them.",
    )
    parser.add_argument("prompt", nargs="?", help="the prompt to begin with; @FILE reads it from a file")
    parser.add_argument(
        "--host", default=HOST, metavar="HOST", help=f"the address to listen on; 0.0.0.0 is all (default: {HOST})"
    )
    parser.add_argument(
        "--port", type=_port, default=PORT, metavar="N", help=f"the port; 0 takes a free one (default: {PORT})"
    )
    add_beginning(parser)
    add_model(parser)
    add_sampling(parser)
    return parser


def _port(text: str) -> int:
    port = count(text)
    if port > _HIGHEST:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is no port: they go up to {_HIGHEST}")
    return port


def run(options: argparse.Namespace) -> int:
    _check(options)
    with _listening(options.host, options.port) as listening:
        server = _server(shell_command(options), listening)
        server.run(lambda: _tell(server, options.host, listening))
    return 0


def _check(options: argparse.Namespace) -> None:
    """Say what is wrong with the words of the call here, and not on a page."""
    from explorer.loading.catalogue import locate

    sampling(options)
    engine_of_call(options)
    if options.prompt == "-":
        raise UsageError("the prompt of a page cannot come from standard input: give the text itself, or @FILE.")
    if options.prompt is not None:
        text_of(options.prompt)
    locate(options.model)


def shell_command(options: argparse.Namespace) -> str:
    """The call of the screen with these options, as the shell of this system reads it."""
    words = [sys.executable, "-m", "explorer"]
    for name in ("model", "engine", "device", "dtype", "seed", "temperature", "top_k", "top_p"):
        value = getattr(options, name)
        if value is not None:
            words.append(f"--{name.replace('_', '-')}={value}")
    words.append("--bos" if options.bos else "--no-bos")
    if options.prompt is not None:
        words += ["--", options.prompt]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else "exec " + shlex.join(words)


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; ServeError with the reason where it cannot."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ServeError(
            f"nothing can listen on {quoted(host)}, port {port}: {reason[:1].lower()}{reason[1:]}. Choose another "
            "with --port (0 takes a free one) or --host."
        ) from error


def _server(command: str, listening: socket.socket) -> "BrowserServer":
    try:
        from explorer.web.server import BrowserServer
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("textual_serve", "aiohttp", "jinja2"):
            raise
        raise ServeError(
            "the screen in a browser needs textual-serve, which is not installed. Install it: "
            'pip install "gpt2-explorer[serve]"'
        ) from error
    return BrowserServer(command, listening)


def _tell(server: "BrowserServer", host: str, listening: socket.socket) -> None:
    """Say where it is, and what that means."""
    bound = ipaddress.ip_address(listening.getsockname()[0].partition("%")[0])
    named = (socket.gethostname() if bound.is_unspecified else host) if not bound.is_loopback else str(bound)
    output.say(f"GPT Explorer is at {server.address(named)}", "", _ALOUD)
    if not bound.is_loopback:
        output.say(_BEYOND)
    output.say("Control-C ends it.")
