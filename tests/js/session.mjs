// Keeps one unmodified auth-js client and does what each line on standard input says; a line of JSON answers it, with the
// paths that were asked for meanwhile. A request that reaches nobody is told at once, for auth-js goes on trying.
// Usage: node session.mjs <auth URL>; the password comes in on PASSWORD.

import { createInterface } from 'node:readline'

import { GoTrueClient } from '@supabase/auth-js'

const url = process.argv[2]
const password = process.env.PASSWORD
let asked = []

const say = (words) => console.log(JSON.stringify(words))

const client = new GoTrueClient({
  url,
  autoRefreshToken: false,
  persistSession: false,
  detectSessionInUrl: false,
  fetch: async (input, init) => {
    asked.push(String(input).slice(url.length).split('?')[0])
    try {
      return await fetch(input, init)
    } catch (error) {
      say({ unreachable: true })
      throw error
    }
  },
})

const described = ({ data, error }) => ({
  userId: data?.user?.id ?? data?.claims?.sub ?? '',
  accessToken: data?.session?.access_token ?? '',
  refreshToken: data?.session?.refresh_token ?? '',
  error: error ? (error.code ?? error.name) : '',
})

const commands = {
  signUp: (email) => client.signUp({ email, password }),
  adopt: (access_token, refresh_token) => client.setSession({ access_token, refresh_token }),
  refresh: () => client.refreshSession(),
  claims: (jwt) => client.getClaims(jwt),
  user: (jwt) => client.getUser(jwt),
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...words] = JSON.parse(line)
  asked = []
  const answer = described(await commands[command](...words))
  say({ ...answer, asked })
}
