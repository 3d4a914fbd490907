/**
 * Puts a WireGuard interface under load (whitepaper 5.3) with initiations from unknown peers, each
 * with a valid mac1, until standard input ends or `--limit N` messages were sent after the first cookie
 * reply.
 *
 * `node initiation-flood.js HOST:PORT PUBLIC-KEY --limit N --from PORT` prints `cookie` when the first
 * cookie reply arrives. If none arrives, the interface keeps up with the flood, so the burst size
 * doubles.
 */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { parseArgs } from 'node:util';

import { createNodeCrypto } from '../../../dist/src/crypto/node.js';

const INITIATION_LENGTH = 148;
const MAC1_OFFSET = 116;
const COOKIE_REPLY = 3;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    limit: { type: 'string', default: '100000' },
    from: { type: 'string', default: '0' },
  },
});
const [target = '', publicKey = ''] = positionals;
const [host, port] = target.split(':');
const limit = Number(values.limit);

/** Milliseconds between bursts, less than the second for which an interface stays under load. */
const INTERVAL = 100;
const FIRST_BURST = 400;
const LARGEST_BURST = 12_800;
/** The number of bursts without a cookie reply before the burst size doubles. */
const PATIENCE = 10;

/** Builds a message that costs its receiver a DH operation before it proves invalid. */
function initiation() {
  const crypto = createNodeCrypto();
  const message = new Uint8Array(INITIATION_LENGTH);
  message.set(randomBytes(MAC1_OFFSET));
  message.set([1, 0, 0, 0]);
  const key = crypto.hash(Buffer.from('mac1----'), Buffer.from(publicKey, 'base64'));
  message.set(crypto.mac(key, message.subarray(0, MAC1_OFFSET)), MAC1_OFFSET);
  return message;
}

const message = initiation();
const socket = createSocket('udp4');
let burst = FIRST_BURST;
let sent = 0;
/** The messages since the first cookie reply. */
let counted = 0;
let cookies = 0;
let burstsWithoutCookie = 0;

socket.on('message', (bytes) => {
  if (bytes[0] !== COOKIE_REPLY) return;
  burstsWithoutCookie = 0;
  if (cookies++ === 0) console.log('cookie');
});
// Continue if a send queue is full.
socket.on('error', () => undefined);

function sendBurst() {
  if (burstsWithoutCookie++ >= PATIENCE && burst < LARGEST_BURST) {
    burst *= 2;
    burstsWithoutCookie = 0;
  }
  for (let index = 0; index < burst; index++) socket.send(message, () => undefined);
  sent += burst;
  // A busy machine may need many messages before it is under load.
  if (cookies > 0) counted += burst;
  if (counted < limit) setTimeout(sendBurst, INTERVAL);
}

socket.bind(Number(values.from), () => socket.connect(Number(port), host, sendBurst));
process.stdin.resume().on('end', () => {
  console.log(`sent ${sent}, cookies ${cookies}`);
  process.exit(0);
});
