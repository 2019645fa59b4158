"""Sessions that must not get lost, tried many times with real processes. ``make soak`` has the full counts."""
