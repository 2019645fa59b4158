// Drives an unmodified auth-js through sign-in at a provider, ID tokens, linking and unlinking. Where a browser would
// go it prints {"open": url, "email": who} and reads from stdin where the browser ended. The last line is the result.
// Usage: node oauth_flow.mjs <auth URL> <redirect>; ID_TOKEN and PASSWORD come in by the environment.

import { createInterface } from 'node:readline'
import { GoTrueClient } from '@supabase/auth-js'

const [url, redirectTo] = process.argv.slice(2)
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

const newClient = () => {
  const kept = new Map()
  const storage = {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => void kept.set(name, value),
    removeItem: (name) => void kept.delete(name),
  }
  return new GoTrueClient({
    url,
    storage,
    flowType: 'pkce',
    autoRefreshToken: false,
    persistSession: true,
    detectSessionInUrl: false,
  })
}

const browse = async (open, email) => {
  console.log(JSON.stringify({ open, email }))
  return new URL((await lines.next()).value)
}

const result = {}
const options = { redirectTo, skipBrowserRedirect: true }

const client = newClient()
const begun = await client.signInWithOAuth({ provider: 'test', options })
const code = (await browse(begun.data.url, 'ann@example.com')).searchParams.get('code')
const traded = await client.exchangeCodeForSession(code)
result.signedIn = {
  email: traded.data.user?.email ?? null,
  provider: traded.data.user?.app_metadata.provider ?? null,
  error: traded.error,
}
const again = newClient()
await again.signInWithOAuth({ provider: 'test', options })
result.replayed = (await again.exchangeCodeForSession(code)).error?.code

const known = await newClient().signInWithIdToken({ provider: 'keycloak', token: process.env.ID_TOKEN })
result.idToken = { email: known.data.user?.email ?? null, error: known.error }

const bob = newClient()
await bob.signUp({ email: 'bob@example.com', password: process.env.PASSWORD })
const linking = await bob.linkIdentity({ provider: 'keycloak', options })
await browse(linking.data.url, 'bob@work.example')
const identities = async () => (await bob.getUserIdentities()).data.identities
const linked = await identities()
result.linked = linked.map((each) => each.provider)
await bob.unlinkIdentity(linked.find((each) => each.provider === 'keycloak'))
result.unlinked = (await identities()).map((each) => each.provider)
result.lastOne = (await bob.unlinkIdentity((await identities())[0])).error?.code

console.log(JSON.stringify(result))
process.exit(0)
