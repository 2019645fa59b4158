"""The chain, over the embedded gateway and over the real Centrifugo where it is given."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.stack.doctor.parts import Parts, running
from tests.support.loopback import use_free_ports
from tests.support.real import find_programs

_REAL = find_programs({**os.environ, "SUPABASE_AUTH_BIN": os.environ.get("SUPABASE_AUTH_BIN", "not needed here")})
_GIVEN = [pytest.mark.real, pytest.mark.skipif(isinstance(_REAL, str), reason=str(_REAL))]


@pytest.fixture(params=["embedded", pytest.param("centrifugo", marks=_GIVEN)])
async def parts(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Parts]:
    use_free_ports(monkeypatch)
    programs = _REAL if request.param == "centrifugo" and not isinstance(_REAL, str) else None
    async with running(tmp_path, programs) as parts:
        yield parts
