"""A load generator for Centrifugo's JSON client protocol: one process, uvloop and picows, nothing of Cadenza in it.

It speaks to any gateway (ours, Centrifugo) and to nothing else. Its own CPU stands in every result: at a full core it
is the limit, and the rate says nothing about the server; the server's CPU an operation still does.
"""
