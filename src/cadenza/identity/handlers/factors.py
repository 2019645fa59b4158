"""A user's second factors: ``/factors``.

Above: ``parts``. Below: ``factors``, ``callers``.
"""

from __future__ import annotations

import re
from typing import Final

from cadenza.identity import factor_errors as errors
from cadenza.identity.config import IdentityConfig
from cadenza.identity.exchange import Request, Response, decode_body, json_response
from cadenza.identity.factors import Factors
from cadenza.identity.handlers import Table
from cadenza.identity.handlers.callers import Callers
from cadenza.identity.limits import Limits
from cadenza.protocol.auth import EnrolFactorBody, VerifyFactorBody, endpoints

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class FactorEndpoints:
    """See the module.

    Args:
        config: Whether codes are believed.
        callers: Says who calls.
        factors: The rules.
        limits: Counts requests by address.
    """

    def __init__(self, config: IdentityConfig, *, callers: Callers, factors: Factors, limits: Limits) -> None:
        self._config = config
        self._callers = callers
        self._factors = factors
        self._limits = limits

    def table(self) -> Table:
        """Path pattern -> method -> endpoint."""
        one = f"{endpoints.FACTORS}/{{factor_id}}"
        return {
            endpoints.FACTORS: {"POST": self.enrol},
            one: {"DELETE": self.remove},
            f"{one}/challenge": {"POST": self.challenge},
            f"{one}/verify": {"POST": self.verify},
        }

    async def enrol(self, request: Request) -> Response:
        """Begin to add one."""
        caller = await self._callers.of(request)
        body = decode_body(request.body, EnrolFactorBody)
        return json_response(await self._factors.enrol(caller, body, address=request.address))

    async def challenge(self, request: Request) -> Response:
        """Ask for its code."""
        caller = await self._callers.of(request)
        factor_id = _factor_id(request)
        self._limits.factor_challenge.take(request.address)
        if not self._config.mfa.totp_verify:
            raise errors.verifying_disabled()
        return json_response(await self._factors.challenge(caller, factor_id, address=request.address))

    async def verify(self, request: Request) -> Response:
        """Take it."""
        caller = await self._callers.of(request)
        factor_id = _factor_id(request)
        self._limits.factor_verify.take(request.address)
        body = decode_body(request.body, VerifyFactorBody)
        if not self._config.mfa.totp_verify:
            raise errors.verifying_disabled()
        return json_response(await self._factors.verify(caller, factor_id, body, agent=request.agent))

    async def remove(self, request: Request) -> Response:
        """Remove it."""
        caller = await self._callers.of(request)
        return json_response(await self._factors.remove(caller, _factor_id(request), address=request.address))


def _factor_id(request: Request) -> str:
    factor_id = request.values["factor_id"].lower()
    if _UUID.fullmatch(factor_id) is None:
        raise errors.id_malformed()
    return factor_id
