"""The exported document, built once."""

from __future__ import annotations

from typing import Any

import pytest

from cadenza.schema.export import json_schema


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    """The JSON Schema as exported; not to be changed."""
    return json_schema()
