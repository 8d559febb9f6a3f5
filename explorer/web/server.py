"""The server of the explorer in a browser: each page that is opened has a program of its own behind it.

textual-serve runs the program and draws it. What is added here: only who has the address may use it, nothing comes
from another machine than this one, and every program ends with the server.
"""

import asyncio
import secrets
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.web_runner import GracefulExit
from textual_serve.app_service import AppService
from textual_serve.server import Server

from explorer.terminal import output

_PAGE = Path(__file__).parent / "index.html"
_PATIENCE = 3.0  # seconds in which a program ends by itself
_KEY = "key"
_LARGEST = 1000  # columns or lines of a page
_NO_KEY = "This page needs the whole address that `gpt-explorer serve` printed, with its key.\n"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BrowserServer(Server):
    """Serves the program that `command` starts, in a shell, on a socket that is bound already."""

    def __init__(self, command: str, listening: socket.socket) -> None:
        host, self._port = listening.getsockname()[:2]
        super().__init__(command, host=host, port=self._port, title="GPT Explorer")
        self._listening = listening
        self._key = secrets.token_urlsafe(16)
        self._pages: set[web.WebSocketResponse] = set()
        self._endings: set[asyncio.Future[tuple[None, None]]] = set()  # of programs whose page is gone

    def address(self, host: str) -> str:
        """The address to open, with the key in it."""
        return f"http://{f'[{host}]' if ':' in host else host}:{self._port}/?{_KEY}={self._key}"

    def run(self, ready: Callable[[], None]) -> None:
        """Serve until the program is interrupted or terminated; `ready` is called once pages can be opened."""
        with suppress(GracefulExit, KeyboardInterrupt):
            web.run_app(
                self._make_app(), sock=self._listening, print=lambda *_: ready(), access_log=None, shutdown_timeout=1
            )

    async def _make_app(self) -> web.Application:
        app = web.Application(middlewares=[self._with_the_key])
        app.add_routes(
            [
                web.get("/", self._page),
                web.get("/ws", self.handle_websocket),
                web.get("/download/{key}", self.handle_download),
                web.static("/static", self.statics_path),
            ]
        )
        app.on_shutdown.append(self.on_shutdown)
        app.on_cleanup.append(self.on_cleanup)
        return app

    @web.middleware
    async def _with_the_key(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse whoever has not the key: the first page brings it in its address, the others in a cookie."""
        cookie = f"gpt-explorer-{self._port}"  # browsers share cookies between the ports of a machine
        brought = request.query.get(_KEY)
        if brought is not None and secrets.compare_digest(brought.encode(), self._key.encode()):
            others = {name: value for name, value in request.query.items() if name != _KEY}
            answer = web.HTTPFound(request.url.with_query(others).relative())  # away from the browser's history
            answer.set_cookie(cookie, self._key, httponly=True, samesite="Strict")
            raise answer
        if not secrets.compare_digest(request.cookies.get(cookie, "").encode(), self._key.encode()):
            raise web.HTTPForbidden(text=_NO_KEY)
        return await handler(request)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        """The page of the terminal, which asks no other machine for anything."""
        return web.FileResponse(
            _PAGE,
            headers={
                "Content-Security-Policy": "default-src 'self' 'unsafe-inline' data: blob:; frame-ancestors 'none'",
                "Referrer-Policy": "no-referrer",
            },
        )

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Start the program for a page, and end it with the page."""
        if urlsplit(request.headers.get("Origin", "")).netloc != request.host:  # a page of somebody else
            raise web.HTTPForbidden(text="This page is none of `gpt-explorer serve`.\n")
        page = web.WebSocketResponse(heartbeat=15)
        await page.prepare(request)
        program = AppService(
            self.command,
            write_bytes=page.send_bytes,
            write_str=page.send_str,
            close=_closing(page),
            download_manager=self.download_manager,
        )
        self._pages.add(page)
        await program.start(_size(request, "width", 80), _size(request, "height", 24))
        closing = asyncio.create_task(_close_after(program, page))
        try:
            with suppress(ConnectionError):
                await self._process_messages(page, program)
        finally:  # this may be cancelled when the page is gone, and the ending must not
            self._pages.discard(page)
            ending = asyncio.gather(_end(program), closing)
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)
            await asyncio.shield(ending)
        return page

    async def on_shutdown(self, app: web.Application) -> None:
        """Close every page, which ends the program behind it."""
        await asyncio.gather(*(page.close() for page in list(self._pages)), return_exceptions=True)

    async def on_cleanup(self, app: web.Application) -> None:
        """Wait for the programs to end."""
        await asyncio.gather(*self._endings, return_exceptions=True)


def _closing(page: web.WebSocketResponse) -> Callable[[], Awaitable[None]]:
    async def close() -> None:
        await page.close()

    return close


async def _close_after(program: AppService, page: web.WebSocketResponse) -> None:
    """Close the page of a program that has ended, also of one that ended before it drew anything."""
    if program._process is not None:
        await program._process.wait()
    await page.close()


def _size(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, "")
    return min(max(int(text), 1), _LARGEST) if text.isdecimal() and len(text) < 9 else default


async def _end(program: AppService) -> None:
    """Ask the program to end; end it, where it does not."""
    process = program._process
    if process is not None:
        await program.send_meta({"type": "quit"})
        waiting = asyncio.create_task(process.wait())
        await asyncio.wait([waiting], timeout=_PATIENCE)
        if not waiting.done():
            output.complain("a page was closed, and the program behind it did not end by itself: it was ended.")
            with suppress(ProcessLookupError):
                process.kill()
        await waiting
    await program.stop()
