/**
 * Answers each POST like the Unified Endpoint, without a tunnel in between: `node plain-server.js`.
 * It listens on both addresses of `localhost`, as the extension does, and prints its port.
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
