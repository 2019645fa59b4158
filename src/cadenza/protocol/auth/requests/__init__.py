"""Builds the requests to Supabase Auth: calls in, method, path, query and body out. No I/O.

A request knows its bearer but never shows it. With httpx::

    request = requests.password_grant("ann@example.com", password)
    answer = await http.request(
        request.method, base_url + request.path,
        params=dict(request.query), headers=request.headers(api_key=key), content=request.body,
    )
    session = responses.parse_session(answer.status_code, answer.headers, answer.content)

``base_url`` is the service's root, with ``/auth/v1`` where Supabase's gateway stands in front. Addresses that a browser
opens stand in ``urls``.

Above: ``client.auth`` and ``backend``. Below: ``bodies``, ``admin``, ``endpoints``.
"""

from cadenza.protocol.auth.requests._admin import (
    admin_audit,
    admin_create_user,
    admin_delete_factor,
    admin_delete_user,
    admin_export,
    admin_get_user,
    admin_list_factors,
    admin_list_users,
    admin_update_factor,
    admin_update_user,
    generate_link,
    invite,
)
from cadenza.protocol.auth.requests._clients import (
    admin_create_client,
    admin_delete_client,
    admin_get_client,
    admin_list_clients,
    admin_regenerate_secret,
    admin_update_client,
)
from cadenza.protocol.auth.requests._documents import health, openid_configuration, settings
from cadenza.protocol.auth.requests._factors import (
    challenge_factor,
    delete_factor,
    enrol_totp,
    verify_factor,
)
from cadenza.protocol.auth.requests._grants import (
    id_token_grant,
    password_grant,
    pkce_grant,
    refresh_token_grant,
    sign_up,
    sign_up_anonymously,
    sign_up_by_phone,
)
from cadenza.protocol.auth.requests._mails import (
    recover,
    resend,
    send_magic_link,
    send_otp,
    verify_code,
    verify_token_hash,
)
from cadenza.protocol.auth.requests._request import Request
from cadenza.protocol.auth.requests._users import (
    delete_account,
    export_account,
    get_user,
    link_identity,
    log_out,
    reauthenticate,
    unlink_identity,
    update_user,
)

__all__ = [
    "Request",
    "admin_audit",
    "admin_create_client",
    "admin_create_user",
    "admin_delete_client",
    "admin_delete_factor",
    "admin_delete_user",
    "admin_export",
    "admin_get_client",
    "admin_get_user",
    "admin_list_clients",
    "admin_list_factors",
    "admin_list_users",
    "admin_regenerate_secret",
    "admin_update_client",
    "admin_update_factor",
    "admin_update_user",
    "challenge_factor",
    "delete_account",
    "delete_factor",
    "enrol_totp",
    "export_account",
    "generate_link",
    "get_user",
    "health",
    "id_token_grant",
    "invite",
    "link_identity",
    "log_out",
    "openid_configuration",
    "password_grant",
    "pkce_grant",
    "reauthenticate",
    "recover",
    "refresh_token_grant",
    "resend",
    "send_magic_link",
    "send_otp",
    "settings",
    "sign_up",
    "sign_up_anonymously",
    "sign_up_by_phone",
    "unlink_identity",
    "update_user",
    "verify_code",
    "verify_factor",
    "verify_token_hash",
]
