/**
 * Sends POSTs without pauses through a forwarder: `node steady-client.js URL LANES COUNT NAME`. Each
 * POST has a path of its own. It prints the number of POSTs, the responses that were not 201, the
 * longest time in milliseconds, and how many POSTs took so long that a SYN was retransmitted, as JSON.
 */
import { Agent, request } from 'node:http';

/** A SYN is retransmitted after a second (RFC 6298 2.1). */
const SLOW = 900;

const [url, lanes, count, name] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true });
const failures = [];
let sent = 0;
let longest = 0;
let slow = 0;

function post(path) {
  const began = performance.now();
  return new Promise((resolve) => {
    const done = (why) => {
      if (why !== undefined) failures.push(`${path}: ${why}`);
      const took = performance.now() - began;
      longest = Math.max(longest, took);
      if (took >= SLOW) slow++;
      resolve();
    };
    const outgoing = request(new URL(path, url), { agent, method: 'POST' });
    outgoing.on('error', (error) => done(error.message));
    outgoing.on('response', (response) => {
      const { statusCode } = response;
      response.resume().on('end', () => done(statusCode === 201 ? undefined : statusCode));
    });
    outgoing.end('{"temperature":21.5}');
  });
}

async function lane() {
  while (sent < Number(count)) await post(`/${name}-${sent++}`);
}

await Promise.all(Array.from({ length: Number(lanes) }, lane));
console.log(JSON.stringify({ sent, failures, longest: Math.round(longest), slow }));
