/**
 * One end of several TCP connections, on the kernel's TCP or the library's:
 *
 *     node tcp-exchange.js '{"stack":"kernel"}'
 *     node tcp-exchange.js '{"stack":"ours","config":"arc.json","congestion":"bbr"}'
 *
 * It prints `ready`, then reads one JSON line per connection: `{"listen":PORT,"address":…}` or
 * `{"connect":PORT,"address":…}`, with `length`, the bytes to send, and `isFirst`. The first end
 * sends and closes its direction; the other does the same after reading everything. A listener
 * prints `listening PORT`; each connection ends with `done PORT LENGTH SHA256` of the bytes read.
 */
import { createHash } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const CHUNK = 64 * 1024;
const { stack, config, congestion } = JSON.parse(process.argv[2]);

let tunnel;
if (stack === 'ours') {
  const { createTunnel } = await import('../../../dist/bundle/index.js');
  tunnel = await createTunnel({ config, congestion });
}

function listen({ listen: port, address }, onConnection) {
  const options = { port, [tunnel ? 'address' : 'host']: address, allowHalfOpen: true };
  if (tunnel) return tunnel.listen(options, onConnection);
  return createServer({ allowHalfOpen: true }, onConnection).listen(options);
}

function dial({ connect: port, address: host }) {
  const options = { port, host, allowHalfOpen: true };
  return tunnel ? tunnel.connect(options) : connect(options);
}

function exchange(socket, { length, isFirst, listen: own, connect: other = own }) {
  const hash = createHash('sha256');
  let received = 0;
  socket.on('data', (bytes) => {
    received += bytes.length;
    hash.update(bytes);
  });
  socket.on('error', (error) => console.log('failed', other, error.message));
  socket.on('end', () => {
    if (!isFirst) void send(socket, length);
  });
  socket.on('close', () => console.log('done', other, received, hash.digest('hex')));
  if (isFirst) void send(socket, length);
}

/** Bytes in which a swap of two bytes is always visible: a counter in each word. */
function chunkAt(offset, length) {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at + 4 <= length; at += 4) {
    bytes.writeUInt32BE(Math.imul(offset + at, 2654435761) >>> 0, at);
  }
  return bytes;
}

async function send(socket, length) {
  for (let offset = 0; offset < length; offset += CHUNK) {
    const chunk = chunkAt(offset, Math.min(CHUNK, length - offset));
    if (!socket.write(chunk)) await new Promise((resolve) => socket.once('drain', resolve));
  }
  socket.end();
}

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const task = JSON.parse(line);
  if (task.listen === undefined) {
    exchange(dial(task), task);
    return;
  }
  const server = listen(task, (socket) => {
    server.close();
    exchange(socket, task);
  });
  server.on('listening', () => console.log('listening', task.listen));
});
lines.on('close', async () => {
  await tunnel?.close();
  process.exit(0);
});
console.log('ready');
