/**
 * One end of a UDP stream at a fixed rate: `node udp-stream.js TASK`, with a JSON object as TASK.
 *
 * The client connects to the server, through a SOCKS5 proxy if `proxy` is set. The end that `sends`
 * sends until `seconds` have passed, and prints how many datagrams it has sent. The other end prints
 * how many it has received.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';

/** The silence in ms after which the receiver stops. */
const SILENCE = 1_000;
const SOCKET_BUFFER = 4 * 1024 * 1024;

const { role, sends, host, port, proxy, size, perSecond, seconds } = JSON.parse(process.argv[2]);

const socket = createSocket({
  type: 'udp4',
  lookup: (name, _options, done) => done(null, name, 4),
});
await new Promise((resolve) =>
  socket.bind(role === 'server' ? port : 0, role === 'server' ? host : undefined, resolve),
);
try {
  socket.setRecvBufferSize(SOCKET_BUFFER);
  socket.setSendBufferSize(SOCKET_BUFFER);
} catch {
  // A smaller buffer is only slower.
}
let received = 0;
let from;
let lastAt = Infinity;
socket.on('message', (_bytes, sender) => {
  from ??= sender;
  received++;
  lastAt = performance.now();
});
if (role === 'server') console.log('listening');

const relay = proxy === undefined ? undefined : await associate();
const [address, to] = relay ?? [host, port];
const header = Buffer.from(
  relay ? [0, 0, 0, 1, ...host.split('.').map(Number), port >> 8, port & 0xff] : [],
);
const datagram = Buffer.concat([header, Buffer.alloc(size)]);
// The first datagram tells the server where the client is.
if (role === 'client') socket.send(datagram, to, address);
else while (from === undefined) await new Promise((resolve) => setTimeout(resolve, 10));
if (sends) await stream(role === 'server' ? [from.address, from.port] : [address, to]);
else await silence();
process.exit(0);

async function stream([peer, peerPort]) {
  const start = performance.now();
  let sent = 0;
  for (let passed = 0; passed < seconds; passed = (performance.now() - start) / 1000) {
    const due = Math.floor(passed * perSecond);
    for (; sent < due; sent++) socket.send(datagram, peerPort, peer);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  // Wait until the socket has sent its queue.
  while (socket.getSendQueueCount() > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  console.log(JSON.stringify({ sent }));
}

async function silence() {
  while (performance.now() - lastAt < SILENCE || lastAt === Infinity)
    await new Promise((resolve) => setTimeout(resolve, 100));
  console.log(JSON.stringify({ received }));
}

/** Returns the address and port of a UDP relay of the proxy (RFC 1928 7). */
async function associate() {
  const [proxyHost, proxyPort] = proxy.split(':');
  const control = connect(Number(proxyPort), proxyHost);
  control.write(Buffer.from([5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0]));
  let bytes = Buffer.alloc(0);
  while (bytes.length < 12) {
    const [chunk] = await once(control, 'data');
    bytes = Buffer.concat([bytes, chunk]);
  }
  if (bytes[3] !== 0) throw new Error(`the proxy cannot relay UDP: reply ${bytes[3]}`);
  return [bytes.subarray(6, 10).join('.'), bytes.readUInt16BE(10)];
}
