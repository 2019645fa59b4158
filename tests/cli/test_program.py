"""The day of a user, with the real program in a process of its own for every command."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import Any


def test_a_user_signs_in_calls_watches_and_signs_out(somebody: Any) -> None:
    addresses = ("--ws-url", somebody.stack.ws_url, "--supabase-url", somebody.stack.supabase_url)
    signed_in = somebody.run(
        "login", "--email", somebody.stack.email, *addresses, environ={"CADENZA_PASSWORD": somebody.stack.password}
    )
    assert signed_in.code == 0, signed_in.err
    assert json.loads(somebody.run("whoami", "--json").out)["user"]["email"] == somebody.stack.email

    called = somebody.run("call", "query.ticker.list", '{"venue":"PAPER"}', "--json")
    assert called.code == 0, called.err
    assert {ticker["venue"] for ticker in json.loads(called.out)["data"]} == {"PAPER"}

    watched = somebody.run("watch", "market:orderbook:PAPER:BTC/USDT", "--count", "3", "--json")
    assert watched.code == 0, watched.err
    assert [json.loads(line)["symbol"] for line in watched.out.splitlines()] == ["BTC/USDT"] * 3

    assert somebody.run("logout").code == 0
    after = somebody.run("call", "query.ticker.list")
    assert after.code == 3
    assert "cadenza login" in after.err


def test_a_command_leaves_no_socket_and_no_task_behind(trader: Any) -> None:
    # With warnings as errors, Python says on stderr what was never closed or awaited.
    strictly = dataclasses.replace(trader, program=[sys.executable, "-W", "error", *trader.program])
    ran = strictly.run("watch", "market:ticker:PAPER", "--count", "2", "--json")
    assert (ran.code, ran.err) == (0, "")


#: What only the ``server`` extra brings.
_SERVER_LIBRARIES = [
    *("aiosqlite", "alembic", "argon2", "cryptography", "httptools", "joserfc", "litestar", "picows", "sqlalchemy"),
    *("structlog", "uvicorn", "uvloop"),
]


def test_the_verbs_of_a_user_need_no_library_of_the_server(trader: Any) -> None:
    script = (
        f"import sys; sys.modules.update(dict.fromkeys({_SERVER_LIBRARIES}))\n"
        "from cadenza.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    without = dataclasses.replace(trader, program=[sys.executable, "-c", script])
    for argv in (
        ["whoami"],
        ["call", "query.ticker.list"],
        ["watch", "market:ticker:PAPER", "--count", "1"],
        ["token", "inspect"],
        ["methods"],
        ["channels"],
    ):
        ran = without.run(*argv)
        assert (ran.code, ran.err) == (0, ""), argv
