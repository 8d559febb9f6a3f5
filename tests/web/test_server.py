"""The server of the screen: who may use it, and how its programs end."""

import asyncio
import os
import shlex
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

aiohttp = pytest.importorskip("aiohttp", reason="textual-serve is not installed: pip install -e '.[serve]'")
pytest.importorskip("textual_serve", reason="it is not installed: pip install -e '.[serve]'")

from aiohttp.test_utils import TestClient, TestServer  # noqa: E402

from explorer.web import server as room  # noqa: E402
from explorer.web.server import BrowserServer  # noqa: E402

STUBBORN = "import os, signal, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); print('__GANGLION__'); "
STUBBORN += "sys.stdout.flush(); signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


class Served:
    """A server on a free port, and a client that keeps cookies."""

    def __init__(self, command: str) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.server = BrowserServer(command, self.listening)
        self.key = self.server.address("127.0.0.1").partition("=")[2]

    async def client(self) -> "TestClient":
        return TestClient(TestServer(await self.server._make_app()))

    async def origin(self, client: "TestClient") -> dict[str, str]:
        return {"Origin": f"http://{client.host}:{client.port}"}


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[Served, "TestClient", Path]]:
    written = tmp_path / "process"
    made = Served("exec " + shlex.join([sys.executable, "-c", STUBBORN, str(written)]))
    with made.listening:
        client = await made.client()
        async with client:
            yield made, client, written


@pytest.mark.parametrize("path", ["/", "/ws", "/static/js/textual.js", "/download/x", "/?key=wrong", "/?key=%C3%A9"])
async def test_nobody_without_the_key_gets_anything(served: tuple[Served, "TestClient", Path], path: str) -> None:
    async with served[1].get(path) as answer:
        assert answer.status == 403
        assert "whole address" in await answer.text()


async def test_the_key_becomes_a_cookie_and_leaves_the_address(served: tuple[Served, "TestClient", Path]) -> None:
    made, client, _ = served
    async with client.get(f"/?key={made.key}&fontsize=20", allow_redirects=False) as answer:
        assert answer.status == 302
        assert answer.headers["Location"] == "/?fontsize=20"
        cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    async with client.get("/") as answer:
        page = await answer.text()
    assert answer.status == 200
    assert "http" not in page.replace("/^http/", ""), "the page names no other machine"
    for file in ("static/css/xterm.css", "static/js/textual.js", "static/fonts/RobotoMono-VariableFont_wght.ttf"):
        assert file in page
        async with client.get("/" + file) as answer:
            assert answer.status == 200


@pytest.mark.parametrize("origin", [None, "http://elsewhere.example", "null"])
async def test_a_page_of_another_place_starts_nothing(
    served: tuple[Served, "TestClient", Path], origin: str | None
) -> None:
    made, client, written = served
    async with client.get(f"/?key={made.key}"):
        pass
    headers = {} if origin is None else {"Origin": origin}
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect("/ws", headers=headers)
    assert refused.value.status == 403
    assert not written.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="processes are looked for as POSIX has them")
async def test_a_program_that_does_not_end_is_ended(
    served: tuple[Served, "TestClient", Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(room, "_PATIENCE", 0.1)
    made, client, written = served
    async with client.get(f"/?key={made.key}"):
        pass
    page = await client.ws_connect("/ws?width=x&height=99999999999999999999", headers=await made.origin(client))
    while not (written.exists() and written.read_text()):
        await asyncio.sleep(0.01)
    await page.close()
    process = int(written.read_text())
    while _alive(process):
        await asyncio.sleep(0.01)
    assert "did not end by itself" in capsys.readouterr().err


async def test_a_program_that_fails_at_once_closes_its_page() -> None:
    made = Served(shlex.join([sys.executable, "-c", "import sys; sys.exit('no such model')"]))
    with made.listening:
        client = await made.client()
        async with client:
            async with client.get(f"/?key={made.key}"):
                pass
            page = await client.ws_connect("/ws", headers=await made.origin(client))
            assert (await page.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
