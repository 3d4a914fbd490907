import { healthCode, healthLine } from '../../commands/health.js';

it.each([
  [{ health: 'up', name: 'soratun0', why: undefined, hasRival: false }, 'soratun0: up\n', 0],
  [{ health: 'stale', name: 'a', why: 'line\none', hasRival: false }, 'a: stale: line one\n', 5],
  [
    { health: 'none', name: undefined, why: 'nothing runs', hasRival: false },
    'none: nothing runs\n',
    1,
  ],
  [{ health: 'up', name: '\x1b', why: undefined, hasRival: false }, '\u{FFFD}: up\n', 0],
] as const)('%j is %j, and exit code %d', (answer, line, code) => {
  expect([healthLine(answer), healthCode(answer)]).toEqual([line, code]);
});
