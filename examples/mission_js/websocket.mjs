// For Node.js 20, which has no WebSocket of its own: node --import ./websocket.mjs mission.mjs
import { WebSocket } from 'ws'

globalThis.WebSocket ??= WebSocket
