// Drives an unmodified auth-js through every flow that a mail is part of, and prints what came back as JSON.
// Usage: node mail_flow.mjs <auth URL>; the password comes in on PASSWORD.

import { GoTrueClient } from '@supabase/auth-js'

const [url] = process.argv.slice(2)
const password = process.env.PASSWORD
const email = 'ann@example.com'
const newEmail = 'new@example.com'

const newClient = (flowType) =>
  new GoTrueClient({ url, flowType, autoRefreshToken: false, persistSession: true, detectSessionInUrl: false, storage: memory() })

const memory = () => {
  const kept = new Map()
  return {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => void kept.set(name, value),
    removeItem: (name) => void kept.delete(name),
  }
}

const described = ({ data, error }) => ({
  email: data?.user?.email ?? null,
  session: Boolean(data?.session),
  error: error && { status: error.status, code: error.code, message: error.message },
})

const mail = async (to) => {
  const answer = await fetch(`${url}/inbox?to=${encodeURIComponent(to)}`, { headers: { Accept: 'application/json' } })
  return (await answer.json()).mails[0]
}

const codeOf = async (link) => {
  const answer = await fetch(link, { redirect: 'manual' })
  return new URL(answer.headers.get('location')).searchParams.get('code')
}

const result = {}
const client = newClient('implicit')
result.signUp = described(await client.signUp({ email, password }))
result.resend = described(await client.resend({ type: 'signup', email }))
result.verifySignUp = described(await client.verifyOtp({ type: 'signup', email, token: (await mail(email)).code }))
result.sendCode = described(await client.signInWithOtp({ email, options: { shouldCreateUser: false } }))
result.verifyCode = described(await client.verifyOtp({ type: 'email', email, token: (await mail(email)).code }))
result.usedCode = described(await newClient('implicit').verifyOtp({ type: 'email', email, token: (await mail(email)).code }))

const pkce = newClient('pkce')
result.sendLink = described(await pkce.signInWithOtp({ email, options: { emailRedirectTo: 'http://127.0.0.1:3000/cb' } }))
result.exchange = described(await pkce.exchangeCodeForSession(await codeOf((await mail(email)).link)))
result.recover = described(await pkce.resetPasswordForEmail(email))
result.exchangeRecovery = described(await pkce.exchangeCodeForSession(await codeOf((await mail(email)).link)))
result.newPassword = described(await pkce.updateUser({ password: `${password}!` }))

const changing = newClient('implicit')
result.signIn = described(await changing.signInWithPassword({ email, password: `${password}!` }))
result.reauthenticate = described(await changing.reauthenticate())
result.change = described(await changing.updateUser({ email: newEmail }))
const half = await changing.verifyOtp({ type: 'email_change', email, token: (await mail(email)).code })
result.half = described(half)
result.verifyChange = described(await changing.verifyOtp({ type: 'email_change', email: newEmail, token: (await mail(newEmail)).code }))

console.log(JSON.stringify(result))
