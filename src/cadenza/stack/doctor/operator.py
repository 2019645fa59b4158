"""What only an operator can look at: the server API and the backend's proxy endpoints, with the secrets of both.

Above: ``chain``, where ``CADENZA_API_KEY`` or ``CADENZA_PROXY_SECRET`` is set. Below: httpx. The secrets are sent where
they belong and never shown.
"""

from __future__ import annotations

from typing import Final

import httpx
import msgspec

from cadenza.protocol.proxy import RpcRequest, encode_rpc_request
from cadenza.schema import methods
from cadenza.stack.doctor.provider import unreachable
from cadenza.stack.doctor.report import Finding, Link, broken, good

__all__ = ["look_at_backend", "look_at_server_api"]

#: As ``backend.app`` has it; importing that would need the server's extra.
_SECRET_HEADER: Final = "X-Cadenza-Proxy-Secret"  # noqa: S105 - a header's name
_OK: Final = 200
_UNAUTHORIZED: Final = 401


class _Check(msgspec.Struct, frozen=True):
    """One part of a backend, as ``/ready`` names it."""

    status: str
    reason: str = ""


class _Readiness(msgspec.Struct, frozen=True):
    checks: dict[str, _Check] = {}


async def look_at_server_api(
    url: str, api_key: str, http: httpx.AsyncClient, *, previous: str | None = None
) -> Finding:
    """Whether the gateway takes our key, or the previous one while it is replaced."""

    async def show(key: str) -> httpx.Response:
        return await http.post(f"{url}/info", json={}, headers={"X-API-Key": key})

    try:
        answer = await show(api_key)
        if answer.status_code == _UNAUTHORIZED and previous and (await show(previous)).status_code == _OK:
            return good(
                Link.SERVER_API,
                f"{url} takes CADENZA_API_KEY_PREVIOUS, and not yet CADENZA_API_KEY: configure the gateway anew.",
            )
    except httpx.HTTPError as error:
        return unreachable(Link.SERVER_API, url, error, setting="CADENZA_API_URL")
    if answer.status_code == _OK:
        return good(Link.SERVER_API, f"{url} takes the key.")
    if answer.status_code == _UNAUTHORIZED:
        return broken(
            Link.SERVER_API,
            f"{url} does not take the key of CADENZA_API_KEY.",
            "Set CADENZA_API_KEY to what the gateway has as http_api.key.",
        )
    return broken(
        Link.SERVER_API,
        f"{url} is no server API ({answer.status_code}).",
        "Set CADENZA_API_URL to the server API, http://…/api, which only the backend and you can reach.",
    )


async def look_at_backend(url: str, secret: str, http: httpx.AsyncClient, *, previous: str | None = None) -> Finding:
    """Whether the backend is ready and takes our secret, or the previous one while it is replaced."""
    call = encode_rpc_request(RpcRequest(client="doctor", user="", method=methods.QUERY_SYSTEM_INFO.name))

    async def show(shown: str) -> httpx.Response:
        headers = {_SECRET_HEADER: shown, "Content-Type": "application/json"}
        return await http.post(f"{url}/proxy/rpc", content=call, headers=headers)

    try:
        ready = await http.get(f"{url}/ready")
        answer = await show(secret)
        if answer.status_code == _UNAUTHORIZED and previous and (await show(previous)).status_code == _OK:
            return good(
                Link.BACKEND,
                f"{url} takes CADENZA_PROXY_SECRET_PREVIOUS, and not yet CADENZA_PROXY_SECRET: restart it with both.",
            )
    except httpx.HTTPError as error:
        return unreachable(Link.BACKEND, url, error, setting="PORT")
    if answer.status_code == _UNAUTHORIZED:
        return broken(
            Link.BACKEND,
            f"{url} does not take the secret of CADENZA_PROXY_SECRET.",
            "Give the backend, the gateway's static_headers and this environment one secret, and restart what changed.",
        )
    if answer.status_code != _OK:
        return broken(
            Link.BACKEND,
            f"What answers at {url} serves no proxy endpoints ({answer.status_code}).",
            "Set PORT to the backend's, and start it with CADENZA_PROXY_SECRET set.",
        )
    if ready.status_code != _OK:
        return broken(
            Link.BACKEND, f"{url} is not ready{_named(ready)}.", f"Mend what {url}/ready names; see the backend's log."
        )
    return good(Link.BACKEND, f"{url} is ready and takes the secret{_named(ready)}.")


def _named(ready: httpx.Response) -> str:
    """The parts that are not as they should be."""
    try:
        checks = msgspec.json.decode(ready.content, type=_Readiness).checks
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    wrong = [f"{part} {check.reason or check.status}" for part, check in checks.items() if check.status != "healthy"]
    return f" ({', '.join(wrong)})" if wrong else ""
