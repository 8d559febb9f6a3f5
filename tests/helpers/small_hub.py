"""A small Hugging Face hub on this machine: it answers what its client asks, and fails as a hub can fail."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPO = "owner/model"


@dataclass
class SmallHub:
    """Serves a directory as the repository `owner/model`, with large files on a host of their own, as the hub does."""

    directory: Path
    repo: str = REPO
    gated: bool = False
    errors: dict[str, list[int]] = field(default_factory=dict)  # "HEAD config.json" -> statuses of the next answers
    cut: dict[str, list[int]] = field(default_factory=dict)  # file -> bytes after which the next answers break off
    short: dict[str, int] = field(default_factory=dict)  # file -> its size, whatever was announced
    damaged: set[str] = field(default_factory=set)  # files whose last byte arrives as another
    slow: set[str] = field(default_factory=set)  # files that never end
    requests: list[str] = field(default_factory=list)  # "GET model.safetensors bytes=100-"
    sent: dict[str, int] = field(default_factory=dict)  # file -> bytes that were sent of it
    leaked: bool = False  # a token reached the host of large files
    tokens: set[str] = field(default_factory=set)
    address: str = ""

    @property
    def fetched(self) -> set[str]:
        """The files that were asked for with GET."""
        names = {request.split()[1] for request in self.requests if request.startswith("GET")}
        return {name for name in names if name != "tree" and not name.startswith("/")}

    @contextmanager
    def serving(self) -> Iterator["SmallHub"]:
        """The hub, while it is up."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.slow.clear()
            server.shutdown()
            server.server_close()
            thread.join()

    def digest(self, name: str) -> tuple[str, bool]:
        """The hash by which the hub knows a file, and whether it is kept as a large file."""
        data = (self.directory / name).read_bytes()
        if name.endswith((".safetensors", ".bin", ".h5")):
            return hashlib.sha256(data).hexdigest(), True
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest(), False


class _Handler(BaseHTTPRequestHandler):
    hub: SmallHub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *arguments: object) -> None:
        """Quietly."""

    def _answer(self) -> None:
        hub, path = self.hub, self.path.partition("?")[0]
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if match := re.fullmatch(r"/large/(.+)", path):
            hub.leaked |= bool(token)
            self._send(match[1])
            return
        hub.tokens |= {token} - {""}
        match = re.fullmatch(r"(?:/api/models)?/(.+?)/(tree|resolve)/([^/]+)/?(.*)", path)
        if not match:  # what the client wants to know for itself
            hub.requests.append(f"{self.command} {path}")
            self._refuse(404)
            return
        repo, _, revision, name = match.groups()
        what = f"{self.command} {name or 'tree'}"
        hub.requests.append(f"{what} {self.headers.get('Range', '')}".strip())
        if hub.errors.get(what):
            self._refuse(hub.errors[what].pop(0))
        elif repo != hub.repo:
            self._refuse(404, "RepoNotFound")
        elif hub.gated and name and not token:
            self._refuse(401, "GatedRepo")
        elif revision not in ("main", "v1", COMMIT):
            self._refuse(404, "RevisionNotFound")
        elif not name:
            self._list()
        elif not (hub.directory / name).is_file():
            self._refuse(404, "EntryNotFound")
        else:
            self._resolve(name)

    def _refuse(self, status: int, code: str = "") -> None:
        self._head(status, {"X-Error-Code": code} if code else {})

    def _list(self) -> None:
        entries = []
        for path in sorted(self.hub.directory.iterdir()):
            digest, large = self.hub.digest(path.name)
            size = path.stat().st_size
            entry = {"type": "file", "path": path.name, "size": size, "oid": "0" * 40 if large else digest}
            entries.append(entry | ({"lfs": {"oid": digest, "size": size, "pointerSize": 134}} if large else {}))
        entries.append({"type": "directory", "path": "onnx", "size": 0, "oid": "1" * 40})
        body = json.dumps(entries).encode()
        self._head(200, {"Content-Type": "application/json"}, len(body))
        self.wfile.write(body)

    def _resolve(self, name: str) -> None:
        digest, large = self.hub.digest(name)
        if large:
            size = str((self.hub.directory / name).stat().st_size)
            linked = {"X-Linked-ETag": f'"{digest}"', "X-Linked-Size": size, "X-Repo-Commit": COMMIT}
            elsewhere = self.hub.address.replace("127.0.0.1", "localhost")
            self._head(302, {"Location": f"{elsewhere}/large/{name}"} | linked)
        else:
            self._send(name)

    def _send(self, name: str) -> None:
        hub = self.hub
        digest, _ = hub.digest(name)
        data = (hub.directory / name).read_bytes()[: hub.short.get(name)]
        if name in hub.damaged:
            data = data[:-1] + bytes([data[-1] ^ 1])
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(match[1]) if match else 0
        if start >= len(data):
            self._refuse(416)
            return
        headers = {"ETag": f'"{digest}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if match:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self._head(206 if match else 200, headers, len(data) - start)
        if self.command == "GET":
            self._body(name, data[start:])

    def _body(self, name: str, data: bytes) -> None:
        hub = self.hub
        stop = hub.cut[name].pop(0) if hub.cut.get(name) else len(data)
        if name in hub.slow:
            stop = len(data) * 3 // 4
        self.wfile.write(data[:stop])
        self.wfile.flush()
        hub.sent[name] = hub.sent.get(name, 0) + min(stop, len(data))
        while name in hub.slow:
            threading.Event().wait(0.05)
        self.close_connection = stop < len(data)

    def _head(self, status: int, headers: dict[str, str], size: int = 0) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(size)}.items():
            self.send_header(key, value)
        self.end_headers()
