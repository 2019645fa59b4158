// The mission's TypeScript snippet as it stands, with centrifuge-js unmodified, from Node.js.
//
//   npm install centrifuge
//   SUPABASE_URL=http://127.0.0.1:54321 CADENZA_WS_URL=ws://127.0.0.1:8000/connection/websocket \
//   CADENZA_EMAIL=... CADENZA_PASSWORD=... node mission.mjs
//
// Node.js has a WebSocket of its own from version 22; on 20, preload the ws package: node --import ./websocket.mjs
// Ends with 0 after one call and one live event, with 1 on anything else.

import { Centrifuge } from 'centrifuge'

const { SUPABASE_URL, CADENZA_WS_URL: WS_URL, CADENZA_EMAIL, CADENZA_PASSWORD } = process.env

// Step 1: obtain an access token.
const reply = await fetch(`${SUPABASE_URL}/auth/v1/token?grant_type=password`, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({ email: CADENZA_EMAIL, password: CADENZA_PASSWORD }),
})
if (!reply.ok) throw new Error(`sign-in refused: ${reply.status}`)
const { access_token: accessToken, user } = await reply.json()

// Step 2: connect to the WebSocket.
const client = new Centrifuge(WS_URL, { token: accessToken })

// Step 3: handle connection events.
client.on('connecting', ({ code, reason }) => console.log('connecting', code, reason))
client.on('connected', ({ client: id }) => console.log('connected', id))
client.on('disconnected', ({ code, reason }) => console.log('disconnected', code, reason))
client.on('error', ({ error }) => console.log('error', error.code, error.message))
client.connect()
await client.ready(10_000)

const { data } = await client.rpc('query.ticker.list', { venue: 'PAPER' })
console.log('tickers', data.data.map((ticker) => ticker.symbol).join(' '))

const channel = 'market:ticker:PAPER:BTC/USDT'
const subscription = client.newSubscription(channel)
const event = await new Promise((resolve, reject) => {
  subscription.on('publication', resolve)
  subscription.on('unsubscribed', ({ code, reason }) => reject(new Error(`unsubscribed: ${code} ${reason}`)))
  setTimeout(() => reject(new Error('no live event within 10 s')), 10_000).unref()
  subscription.subscribe()
})
console.log('event', event.channel, event.data.lastPrice, 'offset', event.offset)

const disconnected = new Promise((resolve) => client.once('disconnected', resolve))
client.disconnect()
await disconnected
if (!user.id || event.data.symbol !== 'BTC/USDT' || !(event.offset > 0)) process.exit(1)
