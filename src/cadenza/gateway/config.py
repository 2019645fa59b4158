"""What a gateway is told: address, limits, times, namespaces. Names follow Centrifugo's configuration.

Above: every module of this room. Below: errors. Frozen; times in seconds, sizes in bytes, as their names say.
Defaults are Centrifugo's (``reference/centrifugo.md``, "Config defaults seen") unless a line says why not.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from cadenza.errors import ConfigurationError

__all__ = ["GatewayConfig", "Namespace"]

_NAMESPACE_BOUNDARY = ":"


class Namespace(msgspec.Struct, frozen=True, kw_only=True):
    """Options of the channels whose name starts with ``<name>:``.

    Attributes:
        history_size: Publications kept per channel; 0 keeps none.
        history_ttl_seconds: How long they are kept after the channel's last publication.
        force_recovery: Every subscription is recoverable, asked for or not.
        force_positioning: Every subscription is positioned.
        presence: Who is subscribed can be asked for over the server API.
        allow_recovery: A client may ask for ``recoverable``.
        allow_positioning: A client may ask for ``positioned``.
        subscribe_proxy_enabled: The backend decides who subscribes.
        allow_subscribe_for_client: Any signed-in client may subscribe.
        allow_subscribe_for_anonymous: Anonymous clients too.
        allow_publish_for_client: Any signed-in client may publish.
        allow_publish_for_subscriber: Subscribers may publish.
        allow_publish_for_anonymous: Anonymous clients too.
        allow_history_for_client: A client may ask for ``recoverable`` and ``positioned`` as well.
        allow_history_for_subscriber: Likewise for subscribers.
        allow_history_for_anonymous: Anonymous clients too.
    """

    history_size: int = 0
    history_ttl_seconds: float = 0.0
    force_recovery: bool = False
    force_positioning: bool = False
    presence: bool = False
    allow_recovery: bool = False
    allow_positioning: bool = False
    subscribe_proxy_enabled: bool = False
    allow_subscribe_for_client: bool = False
    allow_subscribe_for_anonymous: bool = False
    allow_publish_for_client: bool = False
    allow_publish_for_subscriber: bool = False
    allow_publish_for_anonymous: bool = False
    allow_history_for_client: bool = False
    allow_history_for_subscriber: bool = False
    allow_history_for_anonymous: bool = False

    @property
    def has_history(self) -> bool:
        """Whether publications are kept at all."""
        return self.history_size > 0 and self.history_ttl_seconds > 0


class GatewayConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a :class:`~cadenza.gateway.server.GatewayServer` is told.

    Attributes:
        host: Address to listen on.
        port: Port to listen on; 0 lets the system choose, ``GatewayServer.port`` says which.
        allowed_origins: Patterns (``*``, ``?``) of the ``Origin`` header; a request without that header passes.
        allowed_hosts: Names accepted in the ``Host`` header beside ``localhost`` and the bound address.
        api_key: Key of the server API; ``None`` switches the server API off.
        namespaces: Channel options by namespace name.
        without_namespace: Options of channels without a namespace.
        allow_anonymous_connect_without_token: Let clients in that send no token.
        disallow_anonymous_connection_tokens: Refuse tokens without ``sub`` with 3507.
        subscribe_to_user_personal_channel: Subscribe each signed-in connection to ``#<user>``.
        rpc_enabled: Serve ``rpc``; otherwise error 108.
        ping_interval_seconds: Time between pings; 0 sends none.
        pong_timeout_seconds: How long the answer may take; 0 does not ask for one.
        trusted_proxies: Addresses whose ``X-Forwarded-For`` is believed.
        stale_close_delay_seconds: How long a socket may wait before ``connect``.
        expired_close_delay_seconds: Grace after the token's ``exp`` for the refresh to arrive.
        expired_sub_close_delay_seconds: The same for a subscription that the backend lets expire.
        handshake_timeout_seconds: How long an HTTP request, or the head of an upgrade, may take to arrive.
        handshake_size_limit_bytes: How big a request's head may be.
        close_timeout_seconds: How long the peer may take to read what is left, and to answer a close frame.
        proxy_timeout_seconds: How long the backend may take. Four seconds (Centrifugo: one), for it must outlast a
            password check and end before the SDKs' own five seconds.
        message_size_limit_bytes: Longest message from a client; more is close 1009.
        queue_max_size_bytes: How much may wait for a slow client; more is close 3008.
        api_body_limit_bytes: Longest request of the server API.
        channel_max_length: Longest channel name, in bytes of UTF-8.
        client_channel_limit: Most channels of one connection.
        client_concurrency: Commands of one connection served at the same time.
        client_command_queue_limit: Commands that may wait before reading from the socket stops.
        user_connection_limit: Most connections of one user; 0 is no limit.
        history_meta_ttl_seconds: How long a silent channel's offset and epoch are remembered.
        recovery_max_publication_limit: Most publications one recovery gives; more is not recovered.
        connect_include_server_time: Put ``time`` into the connect reply.
        health: Serve ``/health``.
        metrics: Serve ``/metrics``.
        name: The node's name in ``info``.
        version: The version in the connect reply.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    allowed_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    api_key: str | None = None
    namespaces: Mapping[str, Namespace] = MappingProxyType({})
    without_namespace: Namespace = Namespace()
    allow_anonymous_connect_without_token: bool = False
    disallow_anonymous_connection_tokens: bool = False
    subscribe_to_user_personal_channel: bool = False
    rpc_enabled: bool = True
    ping_interval_seconds: float = 25.0
    pong_timeout_seconds: float = 8.0
    stale_close_delay_seconds: float = 10.0
    expired_close_delay_seconds: float = 25.0
    expired_sub_close_delay_seconds: float = 25.0
    handshake_timeout_seconds: float = 10.0
    handshake_size_limit_bytes: int = 16_384
    close_timeout_seconds: float = 5.0
    proxy_timeout_seconds: float = 4.0
    message_size_limit_bytes: int = 65_536
    queue_max_size_bytes: int = 1_048_576
    api_body_limit_bytes: int = 4_194_304
    channel_max_length: int = 255
    client_channel_limit: int = 128
    client_concurrency: int = 1
    client_command_queue_limit: int = 256
    user_connection_limit: int = 0
    history_meta_ttl_seconds: float = 30 * 24 * 3600.0
    recovery_max_publication_limit: int = 300
    connect_include_server_time: bool = False
    health: bool = True
    metrics: bool = True
    name: str = "cadenza"
    version: str = "cadenza"

    def __post_init__(self) -> None:
        """Refuse what contradicts itself, naming the setting."""
        for name in ("message_size_limit_bytes", "queue_max_size_bytes", "client_concurrency", "channel_max_length"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} must be at least 1", setting=name)
        if self.api_key == "":
            raise ConfigurationError("api_key must not be empty; None switches the server API off", setting="api_key")
        for name, options in (*self.namespaces.items(), ("", self.without_namespace)):
            where = f"namespaces.{name}" if name else "without_namespace"
            if options.force_recovery and not options.has_history:
                raise ConfigurationError(f"{where}: recovery needs history_size and history_ttl_seconds", setting=where)

    def channel_options(self, channel: str) -> Namespace | None:
        """Find the options that apply to ``channel``; ``None`` when its namespace is not configured."""
        # "$" marks a private channel and is not part of the namespace's name; ":x" has none, as in Centrifugo.
        namespace, boundary, _ = channel.removeprefix("$").partition(_NAMESPACE_BOUNDARY)
        return self.namespaces.get(namespace) if boundary and namespace else self.without_namespace

    def __repr__(self) -> str:
        return f"GatewayConfig(host={self.host!r}, port={self.port})"
