-- Cadenza's custom access-token hook for Supabase Auth (printed by: cadenza identity hook-sql).
--
-- Centrifugo hands the backend nothing of a token but its sub and its claim "meta". So the hook puts into every access
-- token, at sign-in and at each refresh alike, always whole:
--
--   meta      {session_id, aal, role}, and client_id (a third party's app) and tenant where there are any.
--             role is app_metadata.role, which only administrators write; without one, the role in PostgreSQL.
--   channels  ["session:<session_id>"]: the gateway subscribes the socket to it, by which a session can be ended.
--             The gateway needs a namespace "session", as `cadenza gateway config` writes one: without it, it refuses
--             every token that has this claim.
--
-- Run it in the project's database (psql, or Supabase's SQL editor); it may be run again. Then switch the hook on:
--
--   hosted:       Authentication > Hooks > Customize Access Token (JWT) Claims: schema public, cadenza_access_token
--   self-hosted:  GOTRUE_HOOK_CUSTOM_ACCESS_TOKEN_ENABLED=true
--                 GOTRUE_HOOK_CUSTOM_ACCESS_TOKEN_URI=pg-functions://postgres/public/cadenza_access_token
--
-- Where there is a hook of your own already, keep it, and give its claims through public.cadenza_claims(claims) last.

begin;

create or replace function public.cadenza_claims(claims jsonb) returns jsonb
language sql immutable
set search_path = ''
as $$
  select claims || jsonb_build_object(
    'meta', jsonb_strip_nulls(jsonb_build_object(
      'session_id', claims ->> 'session_id',
      'aal', claims ->> 'aal',
      'role', coalesce(
        case when jsonb_typeof(claims #> '{app_metadata,role}') = 'string'
          then nullif(claims #>> '{app_metadata,role}', '') end,
        claims ->> 'role'),
      'client_id', nullif(claims ->> 'client_id', ''),
      'tenant', case when jsonb_typeof(claims #> '{app_metadata,tenant}') = 'string'
        then nullif(claims #>> '{app_metadata,tenant}', '') end)),
    'channels', jsonb_build_array('session:' || (claims ->> 'session_id')))
$$;

create or replace function public.cadenza_access_token(event jsonb) returns jsonb
language sql immutable
set search_path = ''
as $$
  select jsonb_set(event, '{claims}', public.cadenza_claims(event -> 'claims'))
$$;

-- Supabase Auth calls it as its own role; nobody else needs to, not through the REST API either.
grant usage on schema public to supabase_auth_admin;
revoke execute on function public.cadenza_claims(jsonb), public.cadenza_access_token(jsonb) from public;
do $$
declare
  api_role text;
begin
  for api_role in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
    execute format(
      'revoke execute on function public.cadenza_claims(jsonb), public.cadenza_access_token(jsonb) from %I', api_role);
  end loop;
end
$$;
grant execute on function public.cadenza_claims(jsonb), public.cadenza_access_token(jsonb) to supabase_auth_admin;

commit;
