"""The key that signs sessions: made on the first start, readable by this user only."""

import os
import secrets
from pathlib import Path

_SHORTEST = 32


def secret_key(path: Path) -> str:
    """The installation's key. Several processes may start at once: the first to link its file wins."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_hex(32))
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    key = path.read_text().strip()
    if len(key) < _SHORTEST:
        raise SystemExit(f"{path} holds no usable key; delete it, and a new one is made (open pages end).")
    if path.stat().st_mode & 0o077:
        raise SystemExit(f"{path} may be read by other users; run: chmod 600 {path}")
    return key
