/**
 * Sends bursts of POSTs through a forwarder: `node burst-client.js URL LANES ROUNDS FIRST`. Each lane
 * sends one POST in each round, with a path of its own: /ROUND-LANE, where rounds count from FIRST.
 * With PORT as a fifth parameter, URL is an HTTP proxy, and only two rounds in succession use the same
 * target: 100.127.128.1:PORT, then 100.127.128.2:PORT, and so on.
 * The pauses between rounds vary around one second. The program prints the number of POSTs, the
 * responses that were not 201 with their times, and the longest time of a POST in ms, as JSON.
 */
import { Agent, request } from 'node:http';
import { setTimeout } from 'node:timers/promises';

const [url, lanes, rounds, first, port] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true });
const failures = [];
let sent = 0;
let longest = 0;

/** The options of a request in this round. */
function optionsOf(path, round) {
  const options = { agent, method: 'POST', path };
  if (port === undefined) return options;
  const number = 1 + Math.floor(round / 2);
  const host = `100.127.${128 + (number >> 8)}.${number & 0xff}:${port}`;
  return { ...options, path: `http://${host}${path}`, headers: { Host: host } };
}

function post(path, round) {
  sent++;
  const began = performance.now();
  return new Promise((resolve) => {
    const outgoing = request(url, optionsOf(path, round));
    const fail = (why) => {
      failures.push(`${path}: ${why} after ${Math.round(performance.now() - began)} ms`);
      resolve();
    };
    outgoing.on('error', (error) => fail(error.message));
    outgoing.on('response', (response) => {
      let body = '';
      response.on('data', (bytes) => (body += bytes)).on('end', resolve);
      response.on('end', () => (longest = Math.max(longest, performance.now() - began)));
      response.on(
        'end',
        () => response.statusCode !== 201 && fail(`${response.statusCode} ${body}`),
      );
    });
    outgoing.end('{"temperature":21.5}');
  });
}

for (let round = Number(first); round < Number(first) + Number(rounds); round++) {
  await Promise.all(
    Array.from({ length: Number(lanes) }, (_, lane) => post(`/${round}-${lane}`, round)),
  );
  // The server closes after a second, and its FIN takes a part of the round trip.
  await setTimeout(980 + (Math.random() * 2 - 1) * 60);
}
console.log(JSON.stringify({ sent, failures, longest: Math.round(longest) }));
process.exit(0);
