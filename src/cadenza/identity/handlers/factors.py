"""A user's second factors: ``/factors``.

Above: ``parts``. Below: ``factors``, ``callers``.
"""

from __future__ import annotations

from cadenza.identity import factor_errors as errors
from cadenza.identity.config import IdentityConfig
from cadenza.identity.errors import bad_json
from cadenza.identity.exchange import Request, Response, decode_body, json_response
from cadenza.identity.factors import Factors
from cadenza.identity.handlers import Table
from cadenza.identity.handlers.callers import Callers
from cadenza.identity.ids import uuid_of
from cadenza.identity.limits import Limits
from cadenza.identity.sessions import Caller
from cadenza.protocol.auth import EnrolFactorBody, VerifyFactorBody, endpoints


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
        caller = await self._caller(request)
        body = decode_body(request.body, EnrolFactorBody)
        return json_response(await self._factors.enrol(caller, body, address=request.address))

    async def challenge(self, request: Request) -> Response:
        """Ask for its code."""
        caller = await self._caller(request)
        factor_id = _factor_of(caller, request)
        self._limits.factor_challenge.take(request.address)
        if not self._config.mfa.totp_verify:
            raise errors.verifying_disabled()
        return json_response(await self._factors.challenge(caller, factor_id, address=request.address))

    async def verify(self, request: Request) -> Response:
        """Take it."""
        caller = await self._caller(request)
        factor_id = _factor_of(caller, request)
        self._limits.factor_verify.take(request.address)
        body = decode_body(request.body, VerifyFactorBody)
        if body.challenge_id is not None and uuid_of(body.challenge_id) is None:
            raise bad_json("challenge_id must be an UUID")
        if not body.code:
            raise errors.code_missing()
        if not self._config.mfa.totp_verify:
            raise errors.verifying_disabled()
        return json_response(await self._factors.verify(caller, factor_id, body, agent=request.agent))

    async def remove(self, request: Request) -> Response:
        """Remove it."""
        caller = await self._caller(request)
        return json_response(await self._factors.remove(caller, _factor_of(caller, request), address=request.address))

    async def _caller(self, request: Request) -> Caller:
        caller = await self._callers.of(request)
        if caller.came_anonymously:
            raise errors.anonymous()
        return caller


def _factor_of(caller: Caller, request: Request) -> str:
    """The id of the caller's factor that the path names; before anything else of the request is looked at."""
    factor_id = uuid_of(request.values["factor_id"])
    if factor_id is None:
        raise errors.id_malformed()
    if all(factor.id != factor_id for factor in caller.factors):
        raise errors.not_found()
    return factor_id
