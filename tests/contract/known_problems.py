"""What users of such systems suffer (``reference/known-problems.md``), what attackers try, and the proof against each.

A test shows a row by naming it in its docstring, or in a comment beside the step that shows it; a fixture, a class or a
module that names one shows nothing by itself. ``test_known_problems.py`` holds this list against the tests both ways.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

#: How many rows each section of the reference has.
SECTIONS: Final = MappingProxyType({"A": 15, "B": 8, "C": 5, "D": 7, "E": 10, "F": 2, "G": 4, "H": 7})

#: Row -> what a perfect system does about it. Of these each must have a test.
SHOWN: Final = MappingProxyType(
    {
        "A1": "keys that cannot be fetched are no bad token; an outage of the provider costs nobody a connection",
        "A2": "a withdrawn key is gone within seconds, from a real Centrifugo too",
        "A3": "tokens of made-up keys do not reach the provider",
        "A4": "issuer and audience are exact, and a gateway without them is named dangerous",
        "A5": "public keys alone verify; a token without a user does not connect",
        "A6": "a third party's tokens are refused unless they are listed",
        "A7": "role, second factor and session reach the backend with each call",
        "A8": "rights that were taken away are gone with the next token",
        "A9": "a clock that is wrong is measured and said, not retried for ever",
        "A10": "claims that the gateway gives a meaning of its own are warned of",
        "A11": "nobody mints channel tokens: the backend is asked",
        "A12": "no channel lets in whom its own name names",
        "A13": "nothing depends on a connect proxy, and one that is on is named",
        "A14": "the client's own refresh stays on: a refresh proxy is named",
        "A15": "one issuer; no address is made of a token's own claims",
        "E1": "one refresher a session, in a process and across processes; a sibling's newer token before any failure",
        "E2": "a server is given access tokens, and neither holds nor spends what is its users' to refresh",
        "E3": "a restart with an expired access token refreshes and goes on",
        "E4": "callers near the end share one refresh; what ends a session is said, not silence",
        "E5": "no user code under a lock; a lock that is never given back is taken over",
        "E6": "a refusal is final, Retry-After is honoured, and nothing makes a storm of attempts",
        "E7": "each client has its own share of the provider's limits, through the WebSocket too",
        "E8": "a sign-out ends the session and its sockets within a second, whatever its access token still says",
        "E9": "each flow has its own verifier, good once and for a while; two at once both finish",
        "E10": "new key, old key, revoked key: nobody is signed out but by the revocation",
        "G1": "fixed loopback ports, listed exactly; no wildcard that reaches another host",
        "G2": "without a browser the address or the code is pasted",
        "G4": "the store is tried before a sign-in, its choice is kept, and nothing falls back in silence",
        "H5": "the server's times and a clock that nobody sets; a wrong one is reported and costs nothing",
    }
)

#: What an attacker tries -> the tests that try it, as pytest names them.
ATTACKS: Final = MappingProxyType(
    {
        "enumeration by time": (
            "soak/test_enumeration.py::test_the_time_of_an_answer_says_nothing_about_who_is_registered",
            "soak/test_enumeration.py::test_the_measure_finds_a_difference_that_is_there",
        ),
        "enumeration by answer": (
            "identity/test_brute_force.py::test_the_limit_does_not_tell_whether_there_is_such_a_user",
            "identity/test_links.py::test_a_second_mail_waits_and_nobody_learns_whose_address_it_is",
        ),
        "code replay": (
            "identity/test_factors.py::test_a_code_works_once",
            "identity/test_flows.py::test_a_code_is_traded_once_for_what_was_sealed_with_it",
            "identity/test_links.py::test_a_code_signs_in_once",
            "client/auth/test_pending.py::test_a_flow_is_taken_once",
        ),
        "code injection": (
            "identity/test_flows.py::test_a_wrong_verifier_leaves_the_code_to_whoever_has_the_right_one",
            "identity/test_flows.py::test_pkce_downgrade_a_code_of_the_implicit_flow_is_none",
            "client/e2e/ways_in/test_every_way_in.py::test_a_code_of_another_flow_is_worth_nothing",
        ),
        "state replay": ("identity/test_flows.py::test_a_state_is_taken_once_and_says_when_it_is_too_old",),
        "open redirect": (
            "identity/test_redirects.py::test_g1_a_wildcard_for_a_port_admits_no_other_host",
            "identity/test_redirects.py::test_what_parsers_may_disagree_on_is_refused_even_by_a_list_that_allows_all",
            "identity/test_links.py::test_nobody_is_led_where_the_list_does_not_allow",
            "identity/test_oauth_hostile.py::test_nothing_that_is_sent_is_a_fault_of_ours_or_leads_to_a_stranger",
        ),
        "CSRF on the callback": (
            "client/auth/test_loopback.py::test_a_code_that_belongs_to_no_flow_does_not_end_the_wait",
            "client/auth/test_loopback.py::test_what_another_page_sends_is_forbidden",
            "identity/test_stand_in.py::test_csrf_no_other_page_decides_for_whoever_sits_there",
        ),
        "DNS rebinding": (
            "client/auth/test_loopback.py::test_a_name_that_was_rebound_to_this_machine_is_refused",
            "identity/test_app.py::test_a_name_that_was_made_to_resolve_here_is_not",
            "identity/test_stand_in.py::test_dns_rebinding_the_page_is_not_shown_under_a_strangers_name",
        ),
        "brute force": (
            "identity/test_brute_force.py::test_wrong_passwords_cost_ever_longer_waits_and_the_right_one_has_to_wait_too",
            "identity/test_brute_force.py::test_many_addresses_are_slowed_down_together_but_not_where_the_owner_was_before",
            "identity/test_links.py::test_wrong_codes_are_counted_by_account_and_address",
            "identity/test_brute_force.py::test_codes_of_a_second_factor_are_guessed_ever_slower_and_the_right_one_has_to_wait_too",
        ),
    }
)
