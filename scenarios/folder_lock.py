"""A lock on a run folder, so that two processes never write into the same one."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from driftline.sim.errors import InputError

LOCK = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the lock of a process that is gone is taken over.

    Raises:
        InputError: another process holds it, or may hold it on another machine.
    """
    path = folder / LOCK
    mine = {"pid": os.getpid(), "host": socket.gethostname(), "started": _started(os.getpid())}
    while not _claimed(path, json.dumps(mine)):
        holder = _holder(path)
        if holder is not None and _alive(holder):
            where = "" if holder.get("host") == socket.gethostname() else f" on {holder.get('host')}"
            raise InputError(
                f"folder '{folder}' is in use by process {holder.get('pid')}{where}; "
                f"choose another --out, or remove '{path}' if that process is gone"
            )
        path.unlink(missing_ok=True)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _claimed(path: Path, content: str) -> bool:
    """Create the lock with its content in one step; False where there is one already."""
    draft = path.with_name(f"{LOCK}-{os.getpid()}")
    draft.write_text(content, encoding="utf-8")
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def _holder(path: Path) -> dict[str, object] | None:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return read if isinstance(read, dict) else None


def _alive(holder: dict[str, object]) -> bool:
    """Whether the process still runs; a number that was given to a newer process does not count."""
    pid = holder.get("pid")
    if holder.get("host") != socket.gethostname():
        return True
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return holder.get("started") == _started(pid)


def _started(pid: int) -> str:
    """When a process started, as far as the system tells; empty where it does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
