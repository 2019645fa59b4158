"""What a user does outside the SDK to get in: reads mail, follows links; and the stack that lets them try often."""

from __future__ import annotations

import dataclasses

import httpx

import cadenza
from cadenza.client import Client, MemorySessionStore
from cadenza.identity.config import IdentityConfig, RateLimits
from cadenza.schema.scalars import Venue
from cadenza.stack.embedded import EmbeddedStack

DEADLINE_SECONDS = 30
PASSWORD = "correct horse 1"
NEW_PASSWORD = "correct horse 2"


class Unlimited(EmbeddedStack):
    """No limits, so that one address can sign up many; with the test provider."""

    def identity_config(self) -> IdentityConfig:
        config = super().identity_config()
        return dataclasses.replace(
            config,
            limits=RateLimits.off(),
            test_provider=True,
            mail=dataclasses.replace(config.mail, interval_seconds=0),
        )


def client_of(stack: EmbeddedStack, **options: object) -> Client:
    return cadenza.connect(
        stack.ws_url,
        supabase_url=stack.supabase_url,
        **{"session_store": MemorySessionStore(), "environ": {}, **options},  # type: ignore[arg-type]
    )


class Mail:
    """The newest mail to an address."""

    def __init__(self, code: str, link: str) -> None:
        self.code = code
        self.link = link


async def newest(stack: EmbeddedStack, to: str) -> Mail:
    async with httpx.AsyncClient() as http:
        answer = await http.get(
            f"{stack.supabase_url}/inbox", params={"to": to, "wait": "10"}, headers={"Accept": "application/json"}
        )
    mail = answer.json()["mails"][0]
    return Mail(mail["code"], mail["link"])


async def follow(link: str) -> str:
    """Where a mail's link leads, as a browser is told."""
    async with httpx.AsyncClient() as http:
        answer = await http.get(link)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def arrive(url: str) -> str:
    """Arrive at a loopback address as a browser does."""
    async with httpx.AsyncClient() as http:
        return (await http.get(url)).text


async def works(api: Client, email: str) -> None:
    """The session is in use: the gateway takes it, and it is this user's."""
    assert Venue.PAPER in await api.market.venues.list()
    assert (await api.auth.user()).email == email
