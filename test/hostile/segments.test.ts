import { fireSegments } from './segments.js';

it('survives 60,000 hostile segments, in each state but LISTEN', () => {
  const { segments, endings, states } = fireSegments(60_000, 7);
  expect(segments).toBe(60_000);
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
