"""The embedded gateway: Centrifugo's client protocol and server API on one port. It never opens a payload.

::

    server = GatewayServer(GatewayConfig(port=0), verifier=verifier, proxy=backend, clock=time.time)
    await server.start()
    server.node.publish("market:ticker:PAPER", b'{"last":"1.0"}')
    await server.stop()
"""

from cadenza.gateway.config import GatewayConfig, Namespace
from cadenza.gateway.node import Node
from cadenza.gateway.ports import Broker, ProxyCaller, PublishResult, TokenVerifier, VerifiedToken
from cadenza.gateway.proxy_caller import HttpProxyCaller
from cadenza.gateway.server import GatewayServer
from cadenza.gateway.stats import Stats

__all__ = [
    "Broker",
    "GatewayConfig",
    "GatewayServer",
    "HttpProxyCaller",
    "Namespace",
    "Node",
    "ProxyCaller",
    "PublishResult",
    "Stats",
    "TokenVerifier",
    "VerifiedToken",
]
