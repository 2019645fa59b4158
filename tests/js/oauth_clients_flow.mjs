// Drives an unmodified auth-js through the administration of third-party applications, and prints what came back as JSON.
// Usage: node oauth_clients_flow.mjs <auth URL> <redirect URI>; the admin's token comes in on ADMIN_TOKEN.

import { GoTrueAdminApi } from '@supabase/auth-js'

const [url, redirect] = process.argv.slice(2)
const admin = new GoTrueAdminApi({ url, headers: { Authorization: `Bearer ${process.env.ADMIN_TOKEN}` } })

const described = ({ data, error }) => ({
  type: data?.client_type ?? null,
  hasSecret: Boolean(data?.client_secret),
  error: error && error.code,
})

const result = {}
const first = await admin.oauth.createClient({
  client_name: 'First',
  redirect_uris: [redirect],
  token_endpoint_auth_method: 'none',
})
result.made = described(first)
const second = await admin.oauth.createClient({ client_name: 'Second', redirect_uris: [redirect] })
result.confidential = described(second)
const { data: listed } = await admin.oauth.listClients()
result.listed = listed.clients.map((client) => client.client_name)
const { data: changed } = await admin.oauth.updateClient(first.data.client_id, { client_name: 'Renamed' })
result.changed = changed.client_name
result.publicSecret = (await admin.oauth.regenerateClientSecret(first.data.client_id)).error.code
const { data: renewed } = await admin.oauth.regenerateClientSecret(second.data.client_id)
result.newSecret = Boolean(renewed.client_secret) && renewed.client_secret !== second.data.client_secret
await admin.oauth.deleteClient(second.data.client_id)
result.gone = (await admin.oauth.getClient(second.data.client_id)).error.code
console.log(JSON.stringify(result))
