"""What people paste: addresses, links, codes, and what somebody else gave them to paste (rows E9, G2)."""

from __future__ import annotations

from urllib.parse import quote

import msgspec
import pytest

from cadenza.client.auth.pasted import ExchangeCode, MailedCode, MailedLink, read_pasted, state_of
from cadenza.client.auth.pending import FlowKind, PendingFlow
from cadenza.errors import IdentityError, ValidationError
from cadenza.protocol.auth.words import VerifyType

STATE, OTHER = "s" * 32, "t" * 32
LANDED = f"http://127.0.0.1:53682/callback?state={STATE}"
MAILED = f"https://x.supabase.co/auth/v1/verify?token=pkce_abc&type=magiclink&redirect_to={quote(LANDED, safe='')}"

BROWSER = PendingFlow(
    state=STATE,
    kind=FlowKind.PROVIDER,
    verifier="v" * 43,
    redirect_to=LANDED,
    started_at=0,
    expires_at=600,
    ws_url="ws://127.0.0.1:8000/connection/websocket",
    supabase_url=None,
    over_websocket=False,
)
MAIL = msgspec.structs.replace(BROWSER, kind=FlowKind.MAGIC_LINK, email="ann@example.com")


@pytest.mark.parametrize(
    ("text", "flow", "expected"),
    [
        (f"{LANDED}&code=5c9ec4d2-aaaa", BROWSER, ExchangeCode(code="5c9ec4d2-aaaa")),
        (f"  {LANDED}&code=5c9ec4d2-aaaa\n", BROWSER, ExchangeCode(code="5c9ec4d2-aaaa")),
        (f"?code=5c9ec4d2-aaaa&state={STATE}", BROWSER, ExchangeCode(code="5c9ec4d2-aaaa")),
        ("5c9ec4d2-aaaa-4bbb", BROWSER, ExchangeCode(code="5c9ec4d2-aaaa-4bbb")),
        ("12345678", BROWSER, ExchangeCode(code="12345678")),
        (f"{LANDED}&code=5c9ec4d2-aaaa", MAIL, ExchangeCode(code="5c9ec4d2-aaaa")),
        ("123456", MAIL, MailedCode(code="123456")),
        (" 123 456 ", MAIL, MailedCode(code="123456")),
        (MAILED, MAIL, MailedLink(token_hash="pkce_abc", kind=VerifyType.MAGICLINK)),
        (
            "https://app.example/confirm?token_hash=pkce_abc&type=email",
            MAIL,
            MailedLink(token_hash="pkce_abc", kind=VerifyType.EMAIL),
        ),
    ],
)
def test_what_ends_a_sign_in_is_read(text: str, flow: PendingFlow, expected: object) -> None:
    assert read_pasted(text, flow) == expected


@pytest.mark.parametrize(
    ("text", "flow"),
    [
        (f"http://127.0.0.1:53682/callback?state={OTHER}&code=5c9ec4d2-aaaa", BROWSER),
        ("http://127.0.0.1:53682/callback?code=5c9ec4d2-aaaa", BROWSER),
        (MAILED.replace(STATE, OTHER), MAIL),
        (f"http://127.0.0.1:53682/callback?state={OTHER}&error=access_denied", BROWSER),
    ],
)
def test_an_address_of_another_sign_in_is_refused(text: str, flow: PendingFlow) -> None:
    with pytest.raises(ValidationError, match="another sign-in"):
        read_pasted(text, flow)


@pytest.mark.parametrize(
    ("text", "flow"),
    [
        ("", BROWSER),
        ("123456", BROWSER),
        ("hello, world", BROWSER),
        (LANDED, BROWSER),
        (f"{LANDED}#access_token=a&refresh_token=b&expires_in=1&expires_at=1&token_type=bearer", BROWSER),
        ("x" * 9000, MAIL),
        (MAILED.replace("type=magiclink", "type=email_change"), MAIL),
        (MAILED.replace("type=magiclink", "type=nonsense"), MAIL),
        ("http://[", MAIL),
    ],
)
def test_what_ends_nothing_says_what_to_paste(text: str, flow: PendingFlow) -> None:
    with pytest.raises(ValidationError) as refused:
        read_pasted(text, flow)
    assert refused.value.next_step.startswith("Paste")


def test_a_pasted_refusal_is_the_providers() -> None:
    with pytest.raises(IdentityError) as refused:
        read_pasted(f"{LANDED}&error=access_denied&error_code=otp_expired&error_description=too+old", MAIL)
    assert refused.value.error_code == "otp_expired"


def test_the_state_is_found_in_the_address_and_in_a_links_way_back() -> None:
    assert state_of(f"{LANDED}&code=x") == STATE
    assert state_of(MAILED) == STATE
    assert state_of("123456") == ""
    assert state_of("http://[") == ""
