/**
 * An HTTP server that closes idle connections after a second:
 * `node short-lived-peer.js ADDRESS PORT FILE silent`, or `announced` to announce it. It appends the path of each request to FILE, as nginx
 * does with its access log, and responds to a POST with 201.
 */
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:http';

const [address, port, file, how] = process.argv.slice(2);
const log = createWriteStream(file, { flags: 'a' });

const server = createServer((request, response) => {
  request.resume().on('end', () => {
    log.write(`${request.url}\n`);
    // With a Connection field of its own, Node adds no Keep-Alive field.
    if (how === 'silent') response.setHeader('Connection', 'keep-alive');
    response.writeHead(201, { 'Content-Length': 0 }).end();
  });
});
server.keepAliveTimeout = how === 'announced' ? 1_000 : 0;
// Some versions of Node keep connections for a second longer than they announce.
if (how === 'silent') server.timeout = 1_000;
server.listen(Number(port), address, () => console.log('listening'));
