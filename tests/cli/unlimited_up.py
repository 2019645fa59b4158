"""``cadenza up`` for the tests of this room: they sign in more often from one address than a person may."""

from __future__ import annotations

import dataclasses
import sys
from unittest import mock

from cadenza.cli import main
from cadenza.identity.config import IdentityConfig, RateLimits
from cadenza.stack.embedded import EmbeddedStack

_usual = EmbeddedStack.identity_config


def _without_limits(stack: EmbeddedStack) -> IdentityConfig:
    return dataclasses.replace(_usual(stack), limits=RateLimits.off())


if __name__ == "__main__":
    with mock.patch.object(EmbeddedStack, "identity_config", _without_limits):
        sys.exit(main(["up", *sys.argv[1:]]))
