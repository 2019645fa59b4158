"""The composition root: the only room that puts the others together.

``embedded`` runs identity provider, gateway and backend in one process; ``external`` runs the backend behind a real
Centrifugo and a real Supabase Auth. Above: ``cli``. Below: every room.
"""
