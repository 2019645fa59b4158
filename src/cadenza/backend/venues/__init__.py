"""Venues: where instruments are traded. ``PAPER`` is simulated and always there; others come behind the same port.

Above: ``backend.service``. Below: ``backend.ports``, ``backend.events``, schema.
Integer ticks and lots inside, decimal text at the edge, never a float.
"""
