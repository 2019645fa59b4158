"""What is said: Cadenza's whole contract as typed, frozen messages. No I/O.

Above: backend, client, stack, cli. Below: errors. Beside: protocol, which carries these as opaque bytes.

One file a noun. ``methods``, ``events``, ``channels`` and ``codes`` are the tables; ``scalars`` has what the nouns
share and passes the enums on. This file imports nothing, so that each room loads only what it names; each file says in
its ``__all__``, or by what has no underscore, what it offers.
"""
