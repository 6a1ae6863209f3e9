"""Files that users name: read whole, bounded in size, with a fault that says why not."""

from __future__ import annotations

from pathlib import Path

from interviewer.errors import FileRefused


def read_bytes(path: Path, limit: int) -> bytes:
    """Return the content of a file of at most `limit` bytes; FileRefused says why it cannot be read."""
    try:
        size = path.stat().st_size
        if size > limit:
            raise FileRefused("file_too_large", path=path, size=size, limit=limit)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise FileRefused("file_missing", path=path) from error
    except OSError as error:
        raise FileRefused("file_unreadable", path=path, reason=error.strerror) from error
