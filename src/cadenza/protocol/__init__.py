"""How it is said: Centrifugo's protocols and Supabase Auth's REST, as bytes in and values out.

Below: errors. Beside: schema, which this room never imports; payloads stay opaque bytes.
No socket, no clock, no logging in here.
"""
