/**
 * Sends handshake initiations with a valid mac1 from an unknown peer: `node initiations.js
 * HOST:PORT PUBLIC-KEY RATE`. RATE is the number of messages per second. Prints `sent N` after
 * standard input ends.
 */
import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setInterval } from 'node:timers';

import { createNodeCrypto } from '../../dist/src/crypto/node.js';
import { linuxNetwork } from '../../dist/src/system/linux/linux-network.js';

const LENGTH = 148;
const MAC1_OFFSET = 116;
/** Milliseconds between two bursts. */
const INTERVAL = 1;
/** The largest burst after the sender was late. */
const LARGEST_BURST = 400;

const [target = '', publicKey = '', rate = ''] = process.argv.slice(2);
const [address, port] = target.split(':');
const endpoint = { address, port: Number(port) };

const crypto = createNodeCrypto();
const bytes = new Uint8Array(LENGTH);
bytes.set(randomBytes(MAC1_OFFSET));
bytes.set([1, 0, 0, 0]);
const key = crypto.hash(Buffer.from('mac1----'), Buffer.from(publicKey, 'base64'));
bytes.set(crypto.mac(key, bytes.subarray(0, MAC1_OFFSET)), MAC1_OFFSET);

const { sockets } = await linuxNetwork();
const socket = await sockets.open({ address: '0.0.0.0', port: 0 });
const began = performance.now();
let due = 0;
let sent = 0;

setInterval(() => {
  const passed = ((performance.now() - began) * Number(rate)) / 1_000;
  const burst = Math.min(LARGEST_BURST, Math.floor(passed - due));
  due += burst;
  if (passed - due > LARGEST_BURST) due = passed;
  if (socket.queuedBytes > 0) return;
  sent += burst;
  socket.send(Array.from({ length: burst }, () => ({ bytes, endpoint, trafficClass: 0 })));
}, INTERVAL);
process.stdin.resume().on('end', () => {
  console.log(`sent ${sent} in ${Math.round(performance.now() - began)} ms`);
  process.exit(0);
});
