"""A small Hugging Face hub that serves folders: `models/OWNER/NAME/…` and `datasets/OWNER/NAME/…`
below a root. It knows the branch main and every commit; a model named `gated` is gated.
"""

import contextlib
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
API = re.compile(
    r"/api/(models|datasets)/([^/]+/[^/]+)(?:/(revision|tree|paths-info)/([^/]+))?(.*)"
)
FILE = re.compile(r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)")


class Hub(BaseHTTPRequestHandler):
    """Answers what the hub's clients ask: facts and files of a repository."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def refuse(self, code, error):
        self.answer(b"{}", code, {"X-Error-Code": error, "X-Error-Message": error})

    def answer(self, body, code=200, headers=None):
        self.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def find(self, kind, name, revision):
        """The folder of a repository and the commit; None if it was refused."""
        folder = self.server.root / kind / name
        if name.endswith("/gated"):
            return self.refuse(403, "GatedRepo")
        if not folder.is_dir():
            return self.refuse(404, "RepoNotFound")
        if revision not in (None, "main") and not re.fullmatch("[0-9a-f]{40}", revision):
            return self.refuse(404, "RevisionNotFound")
        return folder, COMMIT if revision in (None, "main") else revision

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append(path)
        if found := FILE.fullmatch(path):
            return self.send(*found.groups())
        if found := API.fullmatch(path):
            return self.tell(*found.groups())
        return self.refuse(404, "EntryNotFound")

    do_HEAD = do_GET

    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        found = API.fullmatch(unquote(urlsplit(self.path).path))
        if place := self.find(found[1], found[2], found[4]):
            asked = json.loads(text)["paths"] if text.startswith("{") else []
            self.list(place[0], [p for p in asked if (place[0] / p).exists()])

    def tell(self, kind, name, what, revision, rest):
        place = self.find(kind, name, revision)
        if place is None:
            return
        folder, commit = place
        files = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
        if what == "tree":
            start = rest.strip("/")
            self.list(folder, [f for f in files if f.startswith(start)])
            return
        siblings = [{"rfilename": f, "size": (folder / f).stat().st_size} for f in files]
        facts = {"id": name, "sha": commit, "siblings": siblings, "private": False, "tags": []}
        self.answer(json.dumps({**facts, "downloads": 0, "likes": 0}).encode())

    def list(self, folder, files):
        rows = []
        for name in files:
            path = folder / name
            kind = "directory" if path.is_dir() else "file"
            rows.append({"type": kind, "path": name, "oid": COMMIT, "size": path.stat().st_size})
        self.answer(json.dumps(rows).encode(), headers={"Content-Type": "application/json"})

    def send(self, kind, name, revision, file):
        place = self.find("datasets" if kind else "models", name, revision)
        if place is None:
            return
        folder, commit = place
        if not (folder / file).is_file():
            self.answer(b"", 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
            return
        body = (folder / file).read_bytes()
        tag = hashlib.sha1(body).hexdigest()
        self.answer(body, 200, {"ETag": f'"{tag}"', "X-Repo-Commit": commit})


@contextlib.contextmanager
def serve(root):
    """Yield a running hub: its `address`, and the paths that were `asked` of it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.root, server.asked = root, []
    server.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
