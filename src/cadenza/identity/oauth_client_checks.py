"""What a third-party application may say of itself, in Supabase Auth's order and words (``oauthserver/service.go``).

Above: ``oauth_clients``. Below: ``go_urls``. What was sent is quoted, as there: only who sent it gets it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from cadenza.identity import errors, go_urls
from cadenza.protocol.auth import ClientType, OAuthClientBody, TokenEndpointAuthMethod

#: What an application may be allowed to trade in; both, where it does not say.
GRANTS: Final = ("authorization_code", "refresh_token")
METHODS: Final = tuple(method.value for method in TokenEndpointAuthMethod)
#: By type of application; the first is the one meant where it does not say.
METHODS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    ClientType.PUBLIC.value: METHODS[:1],
    ClientType.CONFIDENTIAL.value: METHODS[1:],
}
_MOST_REDIRECTS: Final = 10
_LONGEST_NAME: Final = 1024
_LONGEST_URI: Final = 2048
#: Browsers run these, or read files by them, instead of visiting them.
_ACTIVE_SCHEMES: Final = frozenset({"javascript", "data", "file", "vbscript", "about", "blob"})
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
#: What Supabase Auth's registration puts before a refusal of its checks, and its update does not.
_AT_REGISTRATION: Final = "400: "


def check_registration(body: OAuthClientBody) -> None:
    """Raises ``RefusalError``: an application cannot be registered like this."""
    method = body.token_endpoint_auth_method or None
    complaint = (
        ("" if body.redirect_uris else "redirect_uris is required")
        or _complaint(body, grants=body.grant_types or None)
        or _complaint_of_type(body.client_type)
        or _complaint_of_method(method, "token_endpoint_auth_method must be one of:")
        or _complaint_of_both(body.client_type, method)
    )
    if complaint:
        raise errors.validation_failed(_AT_REGISTRATION + complaint)


def check_update(body: OAuthClientBody) -> None:
    """Raises ``RefusalError``: nothing is named, or something that cannot be."""
    if msgspec.structs.replace(body, client_type=None) == OAuthClientBody():
        raise errors.validation_failed("No fields provided for update")
    method = body.token_endpoint_auth_method
    complaint = _complaint(body, grants=body.grant_types) or _complaint_of_method(
        method, "invalid token_endpoint_auth_method: must be one of"
    )
    if complaint:
        raise errors.validation_failed(complaint)


def _complaint(body: OAuthClientBody, *, grants: tuple[str, ...] | None) -> str:
    """What both have in common, in their order."""
    return (
        _complaint_of_redirects(body.redirect_uris)
        or _complaint_of_grants(grants)
        or _complaint_of_name(body.client_name)
        or _complaint_of_uri("client_uri", body.client_uri)
        or _complaint_of_uri("logo_uri", body.logo_uri)
    )


def _complaint_of_redirects(uris: tuple[str, ...] | None) -> str:
    if uris is None:
        return ""
    if not uris:
        return "redirect_uris cannot be empty"
    if len(uris) > _MOST_REDIRECTS:
        return f"redirect_uris cannot exceed {_MOST_REDIRECTS} items"
    found = ((uri, _complaint_of_redirect(uri)) for uri in uris)
    return next((f"invalid redirect_uri '{uri}': {complaint}" for uri, complaint in found if complaint), "")


def _complaint_of_redirect(uri: str) -> str:
    if not uri:
        return "redirect URI cannot be empty"
    address = go_urls.parse(uri)
    if address is None:
        return "invalid URL format"
    if not (address.scheme and address.host):
        return "must have scheme and host"
    if address.scheme in _ACTIVE_SCHEMES:
        return f"scheme '{address.scheme}' is not allowed for security reasons"
    if address.scheme == "http" and address.host_name not in _LOOPBACK:
        return "HTTP scheme only allowed for localhost"
    return "fragment not allowed in redirect URI" if address.fragment else ""


def _complaint_of_grants(grants: tuple[str, ...] | None) -> str:
    if grants is None:
        return ""
    if not grants:
        return "grant_types cannot be empty"
    if set(grants) <= set(GRANTS):
        return ""
    return "grant_types must only contain 'authorization_code' and/or 'refresh_token'"


def _complaint_of_name(name: str | None) -> str:
    # In bytes, as Go counts.
    return f"client_name cannot exceed {_LONGEST_NAME} characters" if len((name or "").encode()) > _LONGEST_NAME else ""


def _complaint_of_uri(field: str, uri: str | None) -> str:
    if not uri:
        return ""
    if len(uri.encode()) > _LONGEST_URI:
        return f"{field} cannot exceed {_LONGEST_URI} characters"
    return "" if go_urls.is_request_uri(uri) else f"{field} must be a valid URL"


def _complaint_of_type(kind: str | None) -> str:
    return "" if not kind or kind in METHODS_OF else "client_type must be 'public' or 'confidential'"


def _complaint_of_method(method: str | None, words: str) -> str:
    return "" if method is None or method in METHODS else f"{words} {_go_list(METHODS)}"


def _complaint_of_both(kind: str | None, method: str | None) -> str:
    if not kind or method is None or kind == type_of(method):
        return ""
    return (
        f"client_type '{kind}' is inconsistent with token_endpoint_auth_method '{method}' "
        f"(expected client_type '{type_of(method)}')"
    )


def type_of(method: str) -> str:
    """The type of application that proves itself so."""
    return ClientType.PUBLIC.value if method == TokenEndpointAuthMethod.NONE else ClientType.CONFIDENTIAL.value


def _go_list(values: tuple[str, ...]) -> str:
    """As Go prints a slice."""
    return f"[{' '.join(values)}]"


def check_method(row_type: str, method: str | None) -> None:
    """Raises ``RefusalError``: an application of that type cannot prove itself so."""
    valid = METHODS_OF[row_type]
    if method is not None and method not in valid:
        raise errors.validation_failed(
            f"token_endpoint_auth_method '{method}' is not valid for client_type '{row_type}'; "
            f"valid methods: {_go_list(valid)}"
        )
