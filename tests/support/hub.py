"""A small Hugging Face hub on this machine: enough of its API for listing and downloading."""

import hashlib
import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

COMMIT = "c" * 40


class _Hub(BaseHTTPRequestHandler):
    """Answers from the server's `folder`; see `serve`."""

    def do_HEAD(self):
        self._answer()

    def do_GET(self):
        self._answer()

    def log_message(self, *_):
        pass

    def _answer(self):
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        if parts[0] == "api":
            parts.pop(0)
        kind = parts.pop(0) if parts[0] in ("models", "datasets") else "models"
        name, verb, revision, file = "/".join(parts[:2]), *parts[2:4], "/".join(parts[4:])
        repository = self.server.folder / kind / name
        if not repository.is_dir():
            return self._send(404, "RepoNotFound")
        if revision != "main" and len(revision) != 40:
            return self._send(404, "RevisionNotFound")
        commit = COMMIT if revision == "main" else revision
        if verb == "revision":
            return self._send(200, "", commit, json.dumps({"id": name, "sha": commit}).encode())
        if verb == "tree":
            return self._send(200, "", commit, json.dumps(list_files(repository)).encode())
        return self._send_file(name, repository / file, commit)

    def _send_file(self, name, file, commit):
        if name in self.server.gated:
            return self._send(403, "GatedRepo")
        if not file.is_file():
            return self._send(404, "EntryNotFound")
        if self.command == "GET":
            self.server.downloads.append(str(file.relative_to(self.server.folder)))
        return self._send(200, "", commit, file.read_bytes())

    def _send(self, status, fault, commit="", content=b""):
        self.send_response(status)
        self.send_header("X-Error-Code", fault)
        self.send_header("X-Repo-Commit", commit)
        self.send_header("ETag", hashlib.sha1(content).hexdigest())
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)


def list_files(repository):
    """The tree of a repository as the hub lists it."""
    files = sorted(path for path in repository.rglob("*") if path.is_file())
    return [
        {
            "type": "file",
            "path": str(path.relative_to(repository)),
            "size": path.stat().st_size,
            "oid": hashlib.sha1(path.read_bytes()).hexdigest(),
        }
        for path in files
    ]


@contextmanager
def serve(folder, gated=()):
    """Serve the repositories of folder/models and folder/datasets, each OWNER/NAME; yields the
    address and a list to which the path of every downloaded file is added.

    A repository has the branch `main`, which is COMMIT, and takes every other commit for it too.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    server.folder, server.gated, server.downloads = folder, gated, []
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.downloads
    finally:
        server.shutdown()
        server.server_close()
