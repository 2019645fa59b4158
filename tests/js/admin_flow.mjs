// Drives an unmodified auth-js through the administration of users, second factors and anonymous users, and prints what
// came back as JSON. Usage: node admin_flow.mjs <auth URL>; PASSWORD and the admin's token, ADMIN_TOKEN, come in so.

import { createHmac } from 'node:crypto'

import { GoTrueAdminApi, GoTrueClient } from '@supabase/auth-js'

const [url] = process.argv.slice(2)
const password = process.env.PASSWORD
const email = 'ann@example.com'
const admin = new GoTrueAdminApi({ url, headers: { Authorization: `Bearer ${process.env.ADMIN_TOKEN}` } })

const memory = () => {
  const kept = new Map()
  return {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => void kept.set(name, value),
    removeItem: (name) => void kept.delete(name),
  }
}
const newClient = () =>
  new GoTrueClient({ url, flowType: 'implicit', autoRefreshToken: false, persistSession: true, detectSessionInUrl: false, storage: memory() })

// RFC 6238 with the defaults of otpauth:.
const codeOf = (secret, later = 0) => {
  const bits = [...secret.replaceAll('=', '')]
    .map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
    .join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)))
  const step = Buffer.alloc(8)
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + later))
  const digest = createHmac('sha1', key).update(step).digest()
  const number = digest.readUInt32BE(digest[19] & 15) & 0x7fffffff
  return String(number % 1_000_000).padStart(6, '0')
}

const must = ({ data, error }) => {
  if (error) throw error
  return data
}
const result = {}

// Users
const { user } = must(await admin.createUser({ email, password, email_confirm: true, app_metadata: { role: 'editor' } }))
result.role = user.app_metadata.role
result.listed = must(await admin.listUsers({ page: 1, perPage: 10 })).users.map((each) => each.email)
result.updated = must(await admin.updateUserById(user.id, { user_metadata: { name: 'Ann' } })).user.user_metadata.name
result.found = must(await admin.getUserById(user.id)).user.id === user.id
const invited = must(await admin.inviteUserByEmail('bob@example.com', { data: { team: 'blue' } })).user
result.invited = [invited.user_metadata.team, Boolean(invited.invited_at)]
const link = must(await admin.generateLink({ type: 'magiclink', email }))
result.link = [link.properties.verification_type, link.user.email]
const entered = must(await newClient().verifyOtp({ type: 'magiclink', token_hash: link.properties.hashed_token }))
result.entered = entered.user.id === user.id

// Second factors
const client = newClient()
must(await client.signInWithPassword({ email, password }))
const factor = must(await client.mfa.enroll({ factorType: 'totp', friendlyName: 'phone' }))
result.qrCode = factor.totp.qr_code.startsWith('data:image/svg+xml;utf-8,')
const challenge = must(await client.mfa.challenge({ factorId: factor.id }))
result.wrong = (await client.mfa.verify({ factorId: factor.id, challengeId: challenge.id, code: '000000' })).error.code
must(await client.mfa.verify({ factorId: factor.id, challengeId: challenge.id, code: codeOf(factor.totp.secret) }))
result.levels = [must(await client.mfa.getAuthenticatorAssuranceLevel())]
result.factors = must(await client.mfa.listFactors()).totp.map((each) => each.friendly_name)
const again = newClient()
must(await again.signInWithPassword({ email, password }))
result.levels.push(must(await again.mfa.getAuthenticatorAssuranceLevel()))
must(await again.mfa.challengeAndVerify({ factorId: factor.id, code: codeOf(factor.totp.secret, 1) }))
result.levels.push(must(await again.mfa.getAuthenticatorAssuranceLevel()))
must(await again.mfa.unenroll({ factorId: factor.id }))
const second = must(await again.mfa.enroll({ factorType: 'totp', friendlyName: 'lost' }))
result.asAdmin = must(await admin.mfa.listFactors({ userId: user.id })).factors.map((each) => each.friendly_name)
must(await admin.mfa.deleteFactor({ userId: user.id, id: second.id }))
result.left = must(await admin.mfa.listFactors({ userId: user.id })).factors.length

// Anonymous users
const guest = newClient()
const anonymous = must(await guest.signInAnonymously({ options: { data: { theme: 'dark' } } })).user
result.anonymous = anonymous.is_anonymous
const upgraded = must(await guest.updateUser({ email: 'cat@example.com' })).user
result.upgraded = [upgraded.id === anonymous.id, upgraded.email, upgraded.is_anonymous, upgraded.user_metadata.theme]
must(await guest.updateUser({ password }))
result.lasting = must(await newClient().signInWithPassword({ email: 'cat@example.com', password })).user.id === anonymous.id

must(await admin.signOut(must(await again.getSession()).session.access_token, 'global'))
must(await admin.deleteUser(user.id, true))
result.softlyDeleted = Boolean(must(await admin.getUserById(user.id)).user.deleted_at)
must(await admin.deleteUser(user.id))
result.gone = (await admin.getUserById(user.id)).error.code
result.refused = (await new GoTrueAdminApi({ url, headers: {} }).listUsers()).error.status
console.log(JSON.stringify(result))
