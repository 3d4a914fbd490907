/**
 * Answers each POST like the Unified Endpoint, but without a tunnel: `node plain-server.js`.
 * Listens on both addresses of `localhost`, like the extension, and prints the port.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';

const ipv4 = await listen('127.0.0.1', 0);
const { port } = ipv4.address();
// On a machine without IPv6, the extension does not listen on ::1 either.
await listen('::1', port).catch(() => undefined);
console.log(`listening ${port}`);

async function listen(host, wanted) {
  const server = createServer((incoming, response) => {
    incoming.resume();
    incoming.on('end', () => response.writeHead(201).end());
  });
  server.listen(wanted, host);
  await once(server, 'listening');
  return server;
}
