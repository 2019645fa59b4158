"""From an RPC's name and bytes to its answer's bytes: limits, access, decode once, service, encode once.

Above: ``handlers``. Below: ``rates``, ``access``, ``services`` (as registered), schema. Every outcome is an answer of
the contract: nothing is raised, and what was not foreseen becomes 22000 with a request id that the log has too.
"""

import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec

from cadenza.backend.access import Decision, Gate
from cadenza.backend.ports import Caller
from cadenza.backend.rates import Limits
from cadenza.errors import RpcError
from cadenza.schema.codes import CODES, Code
from cadenza.schema.envelope import ErrorBody
from cadenza.schema.methods import Method, encode_error
from cadenza.schema.reading import UNREADABLE, misfit

__all__ = ["Router", "Serve"]

P = TypeVar("P")
D = TypeVar("D")

#: What a service offers for a method: typed parameters and the caller in, the envelope's ``data`` out.
Serve = Callable[[P, Caller], Awaitable[D]]

_logger = logging.getLogger("cadenza.backend")


class _Route(NamedTuple):
    method: Method[Any, Any]
    serve: Serve[Any, Any]


class Router:
    """Knows every method of the contract, and which of them are served.

    Args:
        methods: The contract, by name.
        gate: Decides who may.
        limits: Decides how often.
        new_request_id: Names an internal error, in the answer and in the log.
    """

    def __init__(
        self, methods: Mapping[str, Method[Any, Any]], gate: Gate, limits: Limits, *, new_request_id: Callable[[], str]
    ) -> None:
        self._methods = methods
        self._gate = gate
        self._limits = limits
        self._new_request_id = new_request_id
        self._routes: dict[str, _Route] = {}

    @property
    def served(self) -> frozenset[str]:
        """Names of the methods that are served."""
        return frozenset(self._routes)

    def add(self, method: Method[P, D], serve: Serve[P, D]) -> None:
        """Serve a method.

        Raises:
            ValueError: It is not in the contract, or already served.
        """
        if self._methods.get(method.name) is not method or method.name in self._routes:
            raise ValueError(f"{method.name} is not in the contract, or served twice")
        self._routes[method.name] = _Route(method, serve)

    async def call(self, name: str, payload: bytes | msgspec.Raw, caller: Caller) -> bytes:
        """Answer one RPC: the result envelope as JSON. Never raises, except when it is cancelled."""
        route = self._routes.get(name)
        method = self._methods.get(name) if route is None else route.method
        too_many = await self._limits.call(method, caller)
        if too_many is not None:
            return _refused(too_many)
        if route is None:
            return self._unserved(name, method, caller)
        return await self._serve(route, payload, caller)

    async def _serve(self, route: _Route, payload: bytes | msgspec.Raw, caller: Caller) -> bytes:
        method, serve = route
        decision = self._gate.call(method, caller)
        if decision.refusal is not None:
            return _may_not(decision, decision.refusal)
        try:
            params = method.decode_params(_object(payload))
        except UNREADABLE as error:
            found = misfit(error)
            return _error(Code.INVALID_ARGUMENT, found.message, found.field or None)
        try:
            return method.encode_result(await serve(params, caller))
        except RpcError as error:
            return _refused(error)
        except Exception:
            request_id = self._new_request_id()
            _logger.exception("%s failed, request %s", method.name, request_id)
            return _error(Code.INTERNAL, f"Something went wrong here. Report it with request id {request_id}.")

    def _unserved(self, name: str, method: Method[Any, Any] | None, caller: Caller) -> bytes:
        if method is None:
            return _error(Code.METHOD_NOT_FOUND, f"There is no method {name[:80]!r}.")
        decision = self._gate.call(method, caller)
        if decision.refusal is not None:
            return _may_not(decision, decision.refusal)
        return _error(Code.NOT_SUPPORTED, f"{name} is not served yet.")


def _object(payload: bytes | msgspec.Raw) -> bytes | msgspec.Raw:
    """Absent parameters and ``null`` are an empty object, so that a missing field is named."""
    return b"{}" if bytes(payload) in {b"", b"null"} else payload


def _error(code: Code, message: str, field: str | None = None) -> bytes:
    return encode_error(ErrorBody(code=code, message=message, temporary=CODES[code].temporary, field=field))


def _may_not(decision: Decision, refusal: Code) -> bytes:
    return _error(refusal, decision.message)


def _refused(error: RpcError) -> bytes:
    """A service's refusal; how temporary it is, the code says where the service did not."""
    code = error.code or int(Code.INTERNAL)
    wait = error.retry_after_seconds
    return encode_error(
        ErrorBody(
            code=code,
            message=error.message,
            temporary=error.temporary or CODES[code].temporary,
            field=error.field,
            retry_after=None if wait is None else math.ceil(wait * 1000) / 1000,
        )
    )
