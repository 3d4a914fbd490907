/**
 * A UDP relay that delays each datagram by `--delay MS` plus or minus `--jitter MS`, and so
 * reorders them: `node udp-relay.js HOST:PORT --delay 10 --jitter 5 [--seed N] [--port N]`. It
 * prints its port.
 */
import { createSocket } from 'node:dgram';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    delay: { type: 'string', default: '0' },
    jitter: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    port: { type: 'string', default: '0' },
  },
});
const [host, port] = (positionals[0] ?? '').split(':');
const delay = Number(values.delay);
const jitter = Number(values.jitter);
let state = Number(values.seed) >>> 0;

function random() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 4294967296;
}

const inside = createSocket('udp4');
const outside = createSocket('udp4');
let client;

function later(send) {
  setTimeout(send, delay + (random() * 2 - 1) * jitter);
}
inside.on('message', (bytes, from) => {
  client = from;
  later(() => outside.send(bytes, Number(port), host));
});
outside.on('message', (bytes) => {
  later(() => client && inside.send(bytes, client.port, client.address));
});
outside.bind(0, () => {
  outside.setRecvBufferSize(4 * 1024 * 1024);
});
inside.bind(Number(values.port), '127.0.0.1', () => {
  inside.setRecvBufferSize(4 * 1024 * 1024);
  console.log(`listening ${inside.address().port}`);
});
