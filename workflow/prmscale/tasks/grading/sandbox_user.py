"""Gives up root, then becomes the command that opens the box.

Python or the packages may lie in folders that only root can enter, such as below /root. Therefore
this process lays an empty folder over each such folder, in a new mount namespace, and mounts only
the paths that the box needs in it.

This source is passed to a bare Python on the command line: `USER PATH... -- COMMAND...`.
"""

import ctypes
import os
import sys
from collections.abc import Sequence

NEW_MOUNTS = 0x00020000  # of unshare
BIND, RECURSIVE, PRIVATE = 1 << 12, 1 << 14, 1 << 18  # of mount


def find_closed_folder(path: str) -> str | None:
    """The first folder on the way to an absolute path that other users cannot enter."""
    parts = path.split("/")
    folders = ["/".join(parts[:count]) or "/" for count in range(1, len(parts))]
    return next((folder for folder in folders if not os.stat(folder).st_mode & 0o001), None)


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """Mount the source on the target, or raise OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    texts = [text.encode() if text is not None else None for text in (source, target, kind)]
    if libc.mount(*texts, flags, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), f"mount {target}")


def show(paths: Sequence[str]) -> None:
    """Let every user see these paths, and nothing else in the folders that only root can enter."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_MOUNTS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    mount("none", "/", None, RECURSIVE | PRIVATE)
    opened = {path: os.open(path, os.O_PATH) for path in sorted(paths)}
    for path in opened:
        while os.path.exists(path) and (folder := find_closed_folder(path)):
            mount("tmpfs", folder, "tmpfs", 0, "mode=755")
    for path, descriptor in opened.items():
        if not os.path.exists(path):
            os.makedirs(path)
            mount(f"/proc/self/fd/{descriptor}", path, None, BIND | RECURSIVE)
        os.close(descriptor)


def main(user: int, paths: Sequence[str], command: list[str]) -> None:
    """Become the command, as that user."""
    if any(find_closed_folder(path) for path in paths):
        show(paths)
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    os.execv(command[0], command)


if __name__ == "__main__":
    end = sys.argv.index("--")
    main(int(sys.argv[1]), sys.argv[2:end], sys.argv[end + 1 :])
