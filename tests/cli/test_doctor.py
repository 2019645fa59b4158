"""``cadenza doctor`` at a shell: a line a link, the mending step below what is broken, and an exit code for scripts."""

from __future__ import annotations

import json
from typing import Any

from cadenza.stack.doctor import Link


def test_a_whole_chain_ends_with_zero(somebody: Any) -> None:
    somebody.login()
    ran = somebody("doctor")
    assert ran.code == 0, ran.out + ran.err
    lines = ran.out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["ok", link.value] for link in Link if link not in {Link.SERVER_API, Link.BACKEND}
    ]


def test_a_broken_link_says_what_mends_it_and_ends_with_one(somebody: Any) -> None:
    ran = somebody("doctor", "--ws-url", somebody.stack.ws_url, "--supabase-url", somebody.stack.supabase_url)
    assert ran.code == 1
    lines = ran.out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("FAIL"))
    assert lines[at].split() == ["FAIL", "session", "Nobody", "is", "signed", "in."]
    assert lines[at + 1].strip() == "Sign in: cadenza login."
    assert "\x1b" not in ran.out  # a pipe has no colours


def test_scripts_get_a_json_object_a_link(somebody: Any) -> None:
    somebody.login()
    ran = somebody("doctor", "--json", environ={"CADENZA_API_KEY": "not-the-key"})
    assert ran.code == 1
    found = {finding["link"]: finding for finding in map(json.loads, ran.out.splitlines())}
    assert found["publication"]["verdict"] == "good"
    assert found["server API"]["verdict"] == "broken"
    assert "CADENZA_API_KEY" in found["server API"]["nextStep"]
    assert "not-the-key" not in ran.out


def test_a_profile_that_there_is_not_is_no_broken_link_but_a_slip(somebody: Any) -> None:
    ran = somebody("doctor", "--profile", "uat")
    assert (ran.code, ran.out) == (2, "")
    assert "There is no profile 'uat'. There are: default." in ran.err
