"""Whether a browser could come back to this machine after a sign-in: the three fixed ports of row G1.

Above: ``chain``. Below: the client's listener, which takes the first of them that is free.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from cadenza.client.auth.loopback import Loopback
from cadenza.stack.doctor.report import Finding, Link, good, warning

__all__ = ["look_at_ports"]


async def look_at_ports(redirects: tuple[str, ...]) -> Finding:
    """Take each port for a moment, as a sign-in would."""
    free = [str(urlsplit(redirect).port) for redirect in redirects if await _is_free(redirect)]
    ports = ", ".join(str(urlsplit(redirect).port) for redirect in redirects)
    if not free:
        return warning(
            Link.BROWSER,
            f"No browser can come back: the ports {ports} of this machine are all taken.",
            "End the programs that hold them, or sign in with cadenza login --no-browser, and paste the address.",
        )
    return good(Link.BROWSER, f"A browser can come back after a sign-in, to port {free[0]}.")


async def _is_free(redirect: str) -> bool:
    listener = Loopback(redirect, "")
    try:
        await listener.open()
    except OSError:
        return False
    finally:
        await listener.close()
    return True
