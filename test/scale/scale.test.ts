import { atLength } from '../support/runner/tier.js';
import { connectToDeadPort, openUseClose, ScalePair, synFlood } from './scale.js';

/** A long run opens more than the default limit. */
const COUNT = atLength({ short: 300, long: 10_000 });
const MANY = { connections: 20_000, timeWaits: 20_000 };
const EMPTY = { connections: 0, timeWaits: 0, bufferBytes: 0 };

it(`opens, uses and closes ${COUNT} connections`, () => {
  const pair = new ScalePair(MANY);
  expect(openUseClose(pair, COUNT)).toEqual({ good: COUNT, wrong: [] });
  expect(pair.left.usage).toMatchObject(EMPTY);
  expect(pair.right.usage).toMatchObject(EMPTY);
});

it(`reports ${COUNT} refused connections to a closed port`, () => {
  const pair = new ScalePair(MANY);
  expect(connectToDeadPort(pair, COUNT)).toEqual({ good: COUNT, wrong: [] });
  expect(pair.left.usage).toMatchObject(EMPTY);
});

it('serves legitimate connections during a SYN flood', () => {
  const pair = new ScalePair(MANY);
  expect(synFlood(pair, 20_000, 20)).toEqual({ good: 20, wrong: [] });
  // Without cookies, 128 half-open connections would block all others.
  expect(pair.right.drops.of('tcp-backlog')).toBeGreaterThan(15_000);
  expect(pair.right.usage).toMatchObject(EMPTY);
});
