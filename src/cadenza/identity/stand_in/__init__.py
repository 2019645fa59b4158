"""The built-in test provider: an OpenID issuer on the same server where whoever sits there says who they are.

It is asked by the ordinary code for OpenID issuers, over HTTP, so that the whole flow in a browser works offline. Its
paths are those of a Keycloak realm, so that a real Supabase Auth may be pointed at it as its ``keycloak``.

Above: ``handlers.stand_in``. Below: ``tokens.signer``.
"""

from cadenza.identity.stand_in.provider import NAME, PATH, Asked, Person, StandIn, StandInError

__all__ = ["NAME", "PATH", "Asked", "Person", "StandIn", "StandInError"]
