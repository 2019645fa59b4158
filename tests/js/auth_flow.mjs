// Drives an unmodified auth-js through a user's day and prints what came back, as JSON, for the Python test to judge.
// Usage: node auth_flow.mjs <auth URL> <e-mail>; the password comes in on PASSWORD.

import { GoTrueClient } from '@supabase/auth-js'

const [url, email] = process.argv.slice(2)
const password = process.env.PASSWORD

const newClient = () =>
  new GoTrueClient({
    url,
    headers: { apikey: 'publishable-key-for-tests' },
    autoRefreshToken: false,
    persistSession: false,
    detectSessionInUrl: false,
  })

const described = ({ data, error }) => ({
  userId: data?.user?.id ?? null,
  email: data?.user?.email ?? null,
  accessToken: data?.session?.access_token ?? null,
  refreshToken: data?.session?.refresh_token ?? null,
  error: error && { name: error.name, status: error.status, code: error.code, reasons: error.reasons ?? null },
})

const client = newClient()
const result = {}

result.signUp = described(await client.signUp({ email, password, options: { data: { name: 'Ann' } } }))
result.signUpAgain = described(await newClient().signUp({ email, password }))
result.weakPassword = described(await newClient().signUp({ email: `other.${email}`, password: 'abc' }))
result.wrongPassword = described(await newClient().signInWithPassword({ email, password: `${password}!` }))
result.signIn = described(await client.signInWithPassword({ email, password }))
result.getUser = described(await client.getUser())
result.claims = (await client.getClaims()).data?.claims ?? null
result.update = described(await client.updateUser({ data: { name: 'Anna', age: 3 } }))
result.refresh = described(await client.refreshSession())
result.signOut = described(await client.signOut({ scope: 'local' }))
result.refreshAfterSignOut = described(
  await newClient().refreshSession({ refresh_token: result.refresh.refreshToken }),
)
result.getUserAfterSignOut = described(await newClient().getUser(result.refresh.accessToken))

console.log(JSON.stringify(result))
