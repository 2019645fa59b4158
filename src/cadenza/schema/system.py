"""System: who answers, and is it well.

Above: ``methods``. Below: scalars.
"""

from __future__ import annotations

from cadenza.schema.scalars import DateTimeText, HealthStatus, Message


class NoParams(Message, frozen=True, kw_only=True):
    """The parameters of a method that takes none; an absent payload reads as this too."""


class SystemInfo(Message, frozen=True, kw_only=True):
    """Which program answers. ``documentation`` is an address."""

    name: str | None = None
    version: str | None = None
    description: str | None = None
    documentation: str | None = None


class HealthCheckComponent(Message, frozen=True, kw_only=True):
    """The state of one part."""

    status: HealthStatus


class HealthChecks(Message, frozen=True, kw_only=True):
    """The parts a health check looks at; contract name ``Health200ResponseChecks``."""

    database: HealthCheckComponent | None = None
    temporal: HealthCheckComponent | None = None
    redis: HealthCheckComponent | None = None


class HealthCheck(Message, frozen=True, kw_only=True):
    """Whether the backend is well, at ``timestamp`` (RFC 3339 text)."""

    status: HealthStatus
    timestamp: DateTimeText
    version: str
    checks: HealthChecks | None = None
