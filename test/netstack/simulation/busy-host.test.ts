/** The throughput of a sender whose process is busy with other work half of the time. */
import { connectPair, NetstackPair, patternBytes } from '../../support/pairs/netstack-pair.js';

/** Milliseconds for which the host serves its stack, and then does not. */
const SPELL = 6;

function turnAt(now: number): number {
  const spell = Math.floor(now / SPELL);
  return spell % 2 === 0 ? now : (spell + 1) * SPELL;
}

it.each(['bbr', 'cubic'] as const)('uses at least nine tenths of the path (%s)', (congestion) => {
  const rate = 12_500;
  const pair = new NetstackPair({ congestion, rate, delay: 20, queueDelay: 40, turnAt });
  const { client, server } = connectPair(pair);
  client.send(patternBytes(15_000_000));
  pair.run(500);
  const began = { at: pair.now, length: server.receivedLength };
  pair.run(500);
  const goodput = (server.receivedLength - began.length) / (pair.now - began.at);
  expect(goodput).toBeGreaterThan(0.9 * 0.95 * rate);
});
