"""What our figures stand beside, in the same run: a bare WebSocket server, and the real Centrifugo where it is given.

Above: suites. Below: one file a server process, and ``targets``, which starts them all.
"""
