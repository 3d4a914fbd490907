import { atLength } from '../support/runner/tier.js';
import { fireSegments } from './segments.js';

const COUNT = atLength({ short: 6_000, long: 300_000 });

it(`survives ${COUNT} hostile segments in each state except LISTEN`, () => {
  const { segments, endings, states } = fireSegments(COUNT, 7);
  expect(segments).toBe(COUNT);
  expect([...states.keys()].sort()).toEqual([
    'CLOSE-WAIT',
    'CLOSED',
    'CLOSING',
    'ESTABLISHED',
    'FIN-WAIT-1',
    'FIN-WAIT-2',
    'LAST-ACK',
    'SYN-RECEIVED',
    'SYN-SENT',
    'TIME-WAIT',
  ]);
  expect([...endings.keys()]).toEqual(expect.arrayContaining(['closed:timeout', 'closed:reset']));
});
