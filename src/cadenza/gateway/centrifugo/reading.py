"""Reads a configuration as Centrifugo does: JSON, YAML or TOML by the file's name, then its environment.

Above: ``check``. Below: ``options``, ``effective``, errors. Seen on the real program: a name may be written in any case
and with dots, of two the last one holds, and a variable goes before the file. A ``.env`` in the folder that Centrifugo
is started in is read by Centrifugo alone.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Final

import msgspec

from cadenza.errors import ConfigurationError
from cadenza.gateway.centrifugo.document import Json
from cadenza.gateway.centrifugo.effective import Options
from cadenza.gateway.centrifugo.options import LISTED, NAMED_LISTS, Kinds, known_options, leaves, section

__all__ = ["CUSTOM_PREFIX", "PREFIX", "effective", "read_file"]

PREFIX: Final = "CENTRIFUGO_"
#: Of variables that a static header may name; no option is set by one.
CUSTOM_PREFIX: Final = "CENTRIFUGO_VAR_"
_CUSTOM: Final = re.compile(r"\$\{(CENTRIFUGO_VAR_[^}]+)}")
_STATIC: Final = frozenset({"static_headers", "static_metadata"})
#: A configuration is a few kilobytes; this is no longer one.
_LONGEST_BYTES: Final = 4 * 1024 * 1024


def read_file(file: Path) -> dict[str, Json]:
    """Read a file into its options, names in lower case.

    Raises:
        ConfigurationError: It is not there, or not what its name says.
    """
    try:
        with file.open("rb") as stream:
            content = stream.read(_LONGEST_BYTES + 1)
    except OSError as refused:
        raise _unreadable(file, f"cannot be read: {refused.strerror}") from None
    if len(content) > _LONGEST_BYTES:
        raise _unreadable(file, "is too long for a configuration")
    parsed = _parse(file, content)
    if not isinstance(parsed, dict):
        raise _unreadable(file, "holds no options")
    return _settled(parsed)


def effective(document: Mapping[str, Json], environ: Mapping[str, str]) -> Options:
    """Put the environment over a document that has been read."""
    values: dict[str, Json] = json.loads(json.dumps(document))
    origins = _overlaid(values, known_options(), (), PREFIX, environ)
    for listed, like in LISTED.items():
        for element in _elements(values, listed):
            name = str(element.get("name", ""))
            # Centrifugo writes a name's dots and hyphens as underscores, and one variable may then mean two of them.
            start = f"{PREFIX}{listed.replace('.', '_')}_{re.sub(r'[.-]', '_', name)}_".upper()
            origins |= _overlaid(element, section(like), (*listed.split("."), name), start, environ)
    _expand(values, environ)
    return Options(values, origins=origins)


def _overlaid(
    values: dict[str, Json], kinds: Kinds, at: tuple[str, ...], start: str, environ: Mapping[str, str]
) -> dict[tuple[str, ...], str]:
    """Put variables over a section's options; return which option came from which."""
    origins: dict[tuple[str, ...], str] = {}
    for path, kind in leaves(kinds):
        words = path.split(".")
        variable = start + "_".join(words).upper()
        given = environ.get(variable)
        if given:  # an empty one is none to Centrifugo either
            _put(values, words, _as(kind, path, given))
            origins[(*at, *words)] = variable
    return origins


def _elements(values: Mapping[str, Json], listed: str) -> list[dict[str, Json]]:
    found: Json = dict(values)
    for word in listed.split("."):
        found = found.get(word) if isinstance(found, dict) else None
    return [element for element in found if isinstance(element, dict)] if isinstance(found, list) else []


def _parse(file: Path, content: bytes) -> object:
    kind = file.suffix.lower()
    try:
        if kind == ".json":
            parsed: object = json.loads(content)
        elif kind == ".toml":
            parsed = tomllib.loads(content.decode())
        elif kind in {".yaml", ".yml"}:
            parsed = msgspec.yaml.decode(content)
        else:
            raise _unreadable(file, "has a name that Centrifugo takes for no format")
    except (ValueError, RecursionError):
        # What stands there may be a secret: not even the parser's words are repeated.
        raise _unreadable(file, f"is not {kind.removeprefix('.').upper()}") from None
    except ImportError:
        raise ConfigurationError(
            "YAML cannot be read here: PyYAML is missing.", next_step="Install it: pip install 'cadenza[server]'"
        ) from None
    return parsed


def _unreadable(file: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{file} {why}.",
        setting="FILE",
        next_step="Name a file of Centrifugo v6: .json, .yaml or .toml; cadenza gateway config -o FILE writes one.",
    )


def _settled(values: Mapping[str, object]) -> dict[str, Json]:
    """Lower every name, and put ``a.b`` where it belongs, after what is written in full."""
    made: dict[str, Json] = {}
    dotted: list[tuple[list[str], Json]] = []
    for name, value in values.items():
        words, settled = str(name).lower().split("."), _settle(value)
        if len(words) > 1:
            dotted.append((words, settled))
        else:
            made[words[0]] = settled
    for words, settled in dotted:
        _put(made, words, settled)
    return made


def _settle(value: object) -> Json:
    if isinstance(value, dict):
        return _settled(value)
    if isinstance(value, list):
        return [_settle(element) for element in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _put(values: dict[str, Json], words: list[str], value: Json) -> None:
    here = values
    for word in words[:-1]:
        inner = here.get(word)
        if not isinstance(inner, dict):
            inner = here[word] = {}
        here = inner
    here[words[-1]] = value


def _as(kind: str, path: str, given: str) -> Json:
    """Read a variable as Centrifugo does: a list as words, or JSON where its elements have options."""
    if kind == "list" and path not in NAMED_LISTS:
        return list[Json](given.split(" "))
    if kind in {"list", "map"}:
        try:
            return _settle(json.loads(given))
        except ValueError:
            return [{"name": word} for word in given.split(" ")] if kind == "list" else {}
    return given


def _expand(values: MutableMapping[str, Json], environ: Mapping[str, str]) -> None:
    """Put the operator's variables into static headers; one that is not set stays as it is written."""
    for name, value in values.items():
        if name in _STATIC:
            values[name] = _expanded(value, environ)
        elif isinstance(value, dict):
            _expand(value, environ)
        elif isinstance(value, list):
            for element in value:
                if isinstance(element, dict):
                    _expand(element, environ)


def _expanded(value: Json, environ: Mapping[str, str]) -> Json:
    if isinstance(value, str):
        return _CUSTOM.sub(lambda found: environ.get(found[1], found[0]), value)
    if isinstance(value, dict):
        return {name: _expanded(inner, environ) for name, inner in value.items()}
    return [_expanded(inner, environ) for inner in value] if isinstance(value, list) else value
