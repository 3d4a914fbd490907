/**
 * A plain HTTP server for the far side of a tunnel: `node http-peer.js ADDRESS PORT`.
 *
 * POST returns 201 with the body's SHA-256 and length. GET /bytes/N returns N bytes of a
 * position-dependent pattern. POST /slow responds after 1.5 s.
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';

const [address, port] = process.argv.slice(2);
const CHUNK = 64 * 1024;

function pattern(offset, length) {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index + 4 <= length; index += 4)
    bytes.writeUInt32LE(((offset + index) * 2654435761) % 4294967296, index);
  return bytes;
}

function* patternChunks(length) {
  for (let offset = 0; offset < length; offset += CHUNK)
    yield pattern(offset, Math.min(CHUNK, length - offset));
}

const server = createServer((request, response) => {
  const match = /^\/bytes\/(\d+)$/.exec(request.url ?? '');
  if (request.method === 'GET' && match) {
    response.writeHead(200, {
      'Content-Length': match[1],
      'Content-Type': 'application/octet-stream',
    });
    Readable.from(patternChunks(Number(match[1]))).pipe(response);
    return;
  }
  const hash = createHash('sha256');
  let length = 0;
  request.on('data', (chunk) => {
    hash.update(chunk);
    length += chunk.length;
  });
  request.on('end', () => {
    const answer = () => {
      response.writeHead(201, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ length, sha256: hash.digest('hex') }));
    };
    if (request.url === '/slow') setTimeout(answer, 1500);
    else answer();
  });
});
server.listen(Number(port), address, () => console.log('listening'));
