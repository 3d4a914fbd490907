import { connectToDeadPort, openUseClose, ScalePair, synFlood } from './scale.js';

const EMPTY = { connections: 0, timeWaits: 0, bufferBytes: 0 };

it('opens, uses and closes 300 connections', () => {
  const pair = new ScalePair({});
  expect(openUseClose(pair, 300)).toEqual({ good: 300, wrong: [] });
  expect(pair.left.usage).toMatchObject(EMPTY);
  expect(pair.right.usage).toMatchObject(EMPTY);
});

it('reports 300 refused connections to a closed port', () => {
  const pair = new ScalePair({});
  expect(connectToDeadPort(pair, 300)).toEqual({ good: 300, wrong: [] });
  expect(pair.left.usage).toMatchObject(EMPTY);
});

it('serves legitimate connections during a SYN flood', () => {
  const pair = new ScalePair({});
  expect(synFlood(pair, 20_000, 20)).toEqual({ good: 20, wrong: [] });
  // Without cookies, 128 half-open connections would block all others.
  expect(pair.right.drops.of('tcp-backlog')).toBeGreaterThan(15_000);
  expect(pair.right.usage).toMatchObject(EMPTY);
});
