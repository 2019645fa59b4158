"""What is said: Cadenza's whole contract as typed, frozen messages. No I/O.

Above: backend, client, stack, cli. Below: errors. Beside: protocol, which carries these as opaque bytes.
"""
