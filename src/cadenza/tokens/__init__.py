"""JSON Web Tokens: what they say, who signed them, and the keys that prove it.

Above: ``client`` reads ``claims``; ``gateway``, ``backend`` and ``identity`` verify and sign.
Below: ``errors``.

This door holds only what a bare install can import. The rest stands in the modules ``jwks`` (key sets), ``verifier``
and ``signer``, which need the ``server`` extra.
"""

from cadenza.tokens.claims import Claims, Header, UnverifiedToken, check_form

__all__ = ["Claims", "Header", "UnverifiedToken", "check_form"]
