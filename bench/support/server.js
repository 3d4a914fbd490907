/**
 * Servers at the server's end of the tunnel: port 5001 counts received bytes, and port 5002 sends
 * as fast as possible, each for the time that the client requests; port 80 answers POSTs. Prints
 * counts as JSON lines with the number of the run, and exits when standard input ends.
 */
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { setTimeout } from 'node:timers';

import { count, fill, HEADER, PORTS, reset } from './streams.js';

/** How long, in milliseconds, a source continues to send after the client has stopped counting. */
const LINGER = 500;

function serve(port, handle) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('readable', () => {
      const first = socket.read(HEADER);
      if (first === null) return reset(socket);
      handle(socket, first.readUInt32BE(0), first.readUInt32BE(4));
    });
  });
  return new Promise((resolve) => {
    server.listen(port, '0.0.0.0', resolve);
  });
}

await serve(PORTS.up, async (socket, run, milliseconds) => {
  const counted = await count(socket, milliseconds);
  reset(socket);
  console.log(JSON.stringify({ run, ...counted }));
});

await serve(PORTS.down, (socket, _run, milliseconds) => {
  socket.resume();
  fill(socket);
  setTimeout(() => reset(socket), milliseconds + LINGER);
});

const http = createHttpServer((request, response) => {
  // POSTs to /close are answered as in SORACOM's published exchange.
  if (request.url === '/close') response.shouldKeepAlive = false;
  request.resume().on('end', () => response.writeHead(201, { 'Content-Length': 0 }).end());
});
http.keepAliveTimeout = 60_000;
await new Promise((resolve) => {
  http.listen(PORTS.http, '0.0.0.0', resolve);
});

console.log('listening');
process.stdin.resume().on('end', () => process.exit(0));
