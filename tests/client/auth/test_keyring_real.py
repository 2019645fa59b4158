"""A real Secret Service (GNOME Keyring, where it is installed), on a message bus of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

NEEDED = ("dbus-run-session", "gnome-keyring-daemon")
MISSING = [program for program in NEEDED if shutil.which(program) is None]

PROGRAM = textwrap.dedent(
    """
    import asyncio, pathlib, sys
    import keyring
    from cadenza.client.auth.session import Session, StoredSession
    from cadenza.client.auth.stores import KeyringSessionStore
    from cadenza.client.auth.stores.os_keyring import SERVICE
    from cadenza.errors import SessionStoreError

    # As long as a token with many claims.
    session = Session(access_token="a" * 8000, refresh_token="r", expires_in=3600, expires_at=1_800_000_000)
    stored = StoredSession(ws_url="ws://127.0.0.1:9/", session=session)

    async def main():
        folder = pathlib.Path(sys.argv[1])
        store = KeyringSessionStore("default in /data", lock_path=folder / "k.lock")
        await store.probe()
        async with store.lock(5):
            await store.save(stored)
        print(await KeyringSessionStore("default in /data", lock_path=folder / "k.lock").load() == stored)
        keyring.set_password(SERVICE, "default in /data", "damaged")
        try:
            await store.load()
        except SessionStoreError as error:
            print(keyring.get_password(SERVICE, error.set_aside))
        print(await store.load())

    asyncio.run(main())
    """
)


@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
def test_a_session_is_kept_in_the_systems_keyring_itself(tmp_path: Path) -> None:
    shell = 'printf unlock | gnome-keyring-daemon --unlock --components=secrets >/dev/null && exec "$0" -c "$1" "$2"'
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("DBUS_", "XDG_"))}
    done = subprocess.run(
        ["dbus-run-session", "--", "sh", "-c", shell, sys.executable, PROGRAM, str(tmp_path)],
        env=bare | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["True", "damaged", "None"], done.stderr
