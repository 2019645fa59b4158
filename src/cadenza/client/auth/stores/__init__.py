"""Where a session outlives a call: the system's keyring, a file, memory, the environment.

Above: ``tokens``, ``engine``, users. ``ports`` says what a store is, ``auth.place`` which one a client uses. Every one
passes one shared test class. The lock of a store spans every process that shares it, so that one refresh token is never
spent twice (E1).
"""

from cadenza.client.auth.stores.environment import EnvironmentSessionStore
from cadenza.client.auth.stores.file import FileSessionStore
from cadenza.client.auth.stores.memory import MemorySessionStore
from cadenza.client.auth.stores.os_keyring import KeyringSessionStore
from cadenza.client.auth.stores.ports import SessionStore, probe
from cadenza.client.settings import StoreKind

__all__ = [
    "EnvironmentSessionStore",
    "FileSessionStore",
    "KeyringSessionStore",
    "MemorySessionStore",
    "SessionStore",
    "StoreKind",
    "probe",
]
