"""One file a noun: pure domain logic, schema in, schema out.

Above: ``backend.router``. Below: ``backend.ports``, ``backend.events``, schema, errors, and nothing else.
"""
