"""Where a session is kept: who chooses, what is tried out before a sign-in, what is remembered after it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

import cadenza
from cadenza.client import Client, MemorySessionStore, Profiles, Session, StoredSession
from cadenza.client.auth import place as place_module
from cadenza.client.auth.place import SessionPlace, choose_place, remove_profile
from cadenza.client.auth.stores import FileSessionStore, KeyringSessionStore, SessionStore
from cadenza.client.settings import Addresses, StoreKind, read_environment
from cadenza.client.timing import Timing
from cadenza.errors import ConfigurationError, SessionStoreError

if TYPE_CHECKING:
    from tests.client.auth.conftest import FakeKeyring

MakeStored = Callable[..., StoredSession]
HERE = Addresses(ws_url="ws://127.0.0.1:9/connection/websocket", supabase_url="http://127.0.0.1:9")
UAT = Addresses(ws_url="wss://uat.example/ws", supabase_url="https://uat.example")


def jwt(**claims: object) -> str:
    """A token of the right form, signed by nobody."""
    parts = ({"alg": "ES256", "kid": "k"}, {"sub": "user-1", "iat": 1_800_000_000, "exp": 1_800_003_600} | claims)
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), "c2ln"]
    )


@pytest.fixture(autouse=True)
def system_keyring(monkeypatch: pytest.MonkeyPatch, keyring: FakeKeyring) -> None:
    """The system has a keyring, and it is the fake."""
    monkeypatch.setattr("cadenza.client.auth.stores.os_keyring.system_keyring", lambda: keyring)


@pytest.fixture
def choose(tmp_path: Path) -> Callable[..., SessionPlace]:
    def choose_it(
        given: SessionStore | StoreKind | None = None,
        environ: Mapping[str, str] | None = None,
        profile: str | None = None,
    ) -> SessionPlace:
        environment = read_environment({"CADENZA_DATA_DIR": str(tmp_path)} | dict(environ or {}))
        return choose_place(
            given=given,
            profile=lambda: Profiles.of(environment).current(environment, given=profile),
            environment=environment,
            addresses=lambda known: known or HERE,
            timing=Timing(),
        )

    return choose_it


Choose = Callable[..., SessionPlace]


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_the_default_is_a_file_on_every_machine(choose: Choose, tmp_path: Path) -> None:
    place = choose()
    assert (place.kind, place.why) == (StoreKind.FILE, "the default")
    assert place.store.location == str(tmp_path / "session.json")


def test_the_argument_wins_over_the_variable_and_that_over_a_session_in_the_environment(choose: Choose) -> None:
    both = {"CADENZA_SESSION_STORE": "Memory", "CADENZA_REFRESH_TOKEN": "r"}
    assert choose(StoreKind.KEYRING, both).kind is StoreKind.KEYRING
    assert choose(None, both).kind is StoreKind.MEMORY
    assert choose(None, {"CADENZA_REFRESH_TOKEN": "r"}).kind is StoreKind.ENVIRONMENT
    own = MemorySessionStore()
    assert choose(own, both).store is own


def test_a_store_that_there_is_not_is_an_error_that_lists_them(choose: Choose) -> None:
    with pytest.raises(ConfigurationError, match="keyring, file, memory, environment"):
        choose(None, {"CADENZA_SESSION_STORE": "cloud"})
    with pytest.raises(ConfigurationError) as caught:
        cadenza.connect(session_store="cloud", environ={})
    assert caught.value.setting == "session_store"


async def test_what_a_sign_in_used_is_remembered_for_its_profile_alone(choose: Choose) -> None:
    await choose(StoreKind.KEYRING, profile="uat").remember(UAT, "anon")
    again = choose(profile="uat")
    assert (again.kind, again.why, again.addresses) == (StoreKind.KEYRING, "chosen for this profile", UAT)
    assert again.anon_key(UAT.supabase_url) == "anon"
    assert again.anon_key("https://other.example") is None
    other = choose()
    assert (other.kind, other.addresses) == (StoreKind.FILE, None)


@pytest.mark.parametrize("given", [MemorySessionStore(), StoreKind.MEMORY])
async def test_what_ends_with_the_process_is_not_remembered(
    choose: Choose, given: SessionStore | StoreKind, tmp_path: Path
) -> None:
    await choose(given).remember(UAT, "")
    assert names_in(tmp_path) == []


async def test_a_session_that_moves_leaves_nothing_in_the_old_place(
    choose: Choose, make_stored: MakeStored, keyring: FakeKeyring, tmp_path: Path
) -> None:
    first = choose()
    await first.store.save(make_stored(1))
    await first.remember(HERE, "")
    second = choose(StoreKind.KEYRING)
    await second.store.save(make_stored(2))
    await second.remember(HERE, "")
    assert await FileSessionStore(tmp_path / "session.json").load() is None
    assert await choose().store.load() == make_stored(2)
    third = choose(StoreKind.FILE)
    await third.store.save(make_stored(3))
    keyring.fault = RuntimeError("no D-Bus")  # why somebody moves away from it
    await third.remember(HERE, "")
    assert await choose().store.load() == make_stored(3)


async def test_a_removed_profile_leaves_nothing_in_the_keyring_either(
    choose: Choose, make_stored: MakeStored, keyring: FakeKeyring, tmp_path: Path
) -> None:
    uat = choose(StoreKind.KEYRING, profile="uat")
    await uat.store.save(make_stored())
    await uat.remember(UAT, "")
    await remove_profile(Profiles(tmp_path), "uat")
    assert keyring.entries == {}
    with pytest.raises(ConfigurationError, match="no profile"):
        await remove_profile(Profiles(tmp_path), "uat")


class TestEnvironment:
    async def test_a_refresh_token_alone_is_a_session_to_be_refreshed_first(self, choose: Choose) -> None:
        stored = await choose(None, {"CADENZA_REFRESH_TOKEN": "r"}).store.load()
        assert stored is not None
        assert (stored.ws_url, stored.supabase_url) == (HERE.ws_url, HERE.supabase_url)
        assert (stored.session.access_token, stored.session.refresh_token) == ("", "r")
        assert stored.session.expires_at == 0

    async def test_both_tokens_make_a_session_with_the_tokens_own_times(self, choose: Choose) -> None:
        stored = await choose(None, {"CADENZA_ACCESS_TOKEN": jwt(), "CADENZA_REFRESH_TOKEN": "r"}).store.load()
        assert stored is not None
        session = stored.session
        assert (session.user_id, session.expires_in, session.expires_at) == ("user-1", 3600, 1_800_003_600)

    async def test_an_access_token_alone_is_never_refreshed(self, choose: Choose) -> None:
        stored = await choose(None, {"CADENZA_ACCESS_TOKEN": jwt()}).store.load()
        assert stored is not None
        assert stored.session == msgspec.structs.replace(Session.from_access_token(jwt()), user_id="user-1")

    async def test_a_whole_session_is_read_as_a_file_has_it_or_as_the_provider_gave_it(
        self, choose: Choose, make_stored: MakeStored
    ) -> None:
        as_stored = msgspec.json.encode(make_stored()).decode()
        assert await choose(None, {"CADENZA_SESSION": as_stored}).store.load() == make_stored()
        session = make_stored().session
        given = {
            "access_token": session.access_token,
            "refresh_token": session.refresh_token,
            "token_type": "bearer",
            "expires_in": 3600,
            "expires_at": int(session.expires_at),
            "user": {"id": "user-1", "email": "ann@example.com", "is_anonymous": False, "identities": []}
            | {"app_metadata": {}, "user_metadata": {}}
            | dict.fromkeys(("aud", "role", "phone", "created_at", "updated_at"), ""),
        }
        stored = await choose(None, {"CADENZA_SESSION": json.dumps(given)}).store.load()
        assert stored is not None
        assert stored.session == session

    @pytest.mark.parametrize(
        "environ",
        [{"CADENZA_SESSION": "S3CR3T"}, {"CADENZA_SESSION": "[" * 9000}, {"CADENZA_ACCESS_TOKEN": "S3CR3T"}],
    )
    def test_what_is_no_session_is_named_and_not_repeated(self, choose: Choose, environ: dict[str, str]) -> None:
        with pytest.raises(ConfigurationError) as caught:
            choose(None, environ)
        assert caught.value.setting in environ
        assert "S3CR3T" not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"

    async def test_a_refreshed_session_stays_in_memory_and_the_store_says_so(
        self, choose: Choose, make_stored: MakeStored, tmp_path: Path
    ) -> None:
        place = choose(None, {"CADENZA_REFRESH_TOKEN": "r"})
        await place.store.save(make_stored(2))
        await place.remember(HERE, "")
        assert await place.store.load() == make_stored(2)
        assert "kept in memory" in place.store.location
        assert names_in(tmp_path) == []

    def test_no_text_of_the_environment_shows_a_secret(self) -> None:
        environment = read_environment({"CADENZA_REFRESH_TOKEN": "S3CR3T", "CADENZA_SESSION": "S3CR3T"})
        assert "S3CR3T" not in f"{environment!r} {environment.session!r} {environment.session}"


class TestBeforeASignIn:
    """G4: nobody types a password for a session that could not be kept."""

    @pytest.fixture
    def api(self, tmp_path: Path) -> Client:
        return cadenza.connect(
            HERE.ws_url,
            supabase_url=HERE.supabase_url,
            session_store="keyring",
            environ={"CADENZA_DATA_DIR": str(tmp_path)},
            deadline_seconds=2,
        )

    async def test_a_keyring_that_fails_is_an_error_before_anything_is_sent(
        self, api: Client, keyring: FakeKeyring
    ) -> None:
        """Nothing listens at the provider's address: an attempt to reach it would be another error."""
        async with api:
            keyring.fault = RuntimeError("no D-Bus")
            for attempt in (
                api.auth.sign_in_with_password("a@b.c", "password"),
                api.auth.over_websocket.sign_in_with_password("a@b.c", "password"),
                api.auth.start_provider_sign_in("google", listen=False),
                api.auth.send_code("a@b.c"),
                api.auth.sign_up("a@b.c", "password"),
            ):
                with pytest.raises(SessionStoreError, match="keyring"):
                    await attempt

    async def test_a_failing_keyring_is_an_error_on_entering_too(self, api: Client, keyring: FakeKeyring) -> None:
        """The session may be in it: going on as nobody would be a downgrade in silence."""
        keyring.fault = RuntimeError("no D-Bus")
        with pytest.raises(SessionStoreError, match="CADENZA_SESSION_STORE=file"):
            async with api:
                pytest.fail("entered")


def test_the_stores_of_a_profile_are_its_own(tmp_path: Path) -> None:
    uat = Profiles(tmp_path).get("uat")
    assert isinstance(place_module.kept_store(uat, StoreKind.KEYRING), KeyringSessionStore)
    assert isinstance(place_module.kept_store(uat, StoreKind.FILE), FileSessionStore)
