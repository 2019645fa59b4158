"""The whole chain looked at, link by link: what is good, what is not, and the change that mends it.

``chain`` goes through the links in order. ``provider``, ``browser``, ``tokens``, ``gateway`` and ``operator`` look at
one part each; ``report`` is what they say. Above: ``cli.doctor``, tests. Below: the SDK (who is signed in, and where),
httpx, websockets. Nothing here needs more than the bare install, so that a user can run it too.
"""

from cadenza.stack.doctor.chain import Doctor, Patience
from cadenza.stack.doctor.report import Finding, Link, Verdict

__all__ = ["Doctor", "Finding", "Link", "Patience", "Verdict"]
