import { healthCode, healthLine } from '../../../src/cli/output/health-line.js';

it.each([
  [{ health: 'up', name: 'soratun0', why: undefined, hasRival: false }, 'soratun0: up\n', 0],
  [
    { health: 'connecting', name: 'a', why: 'no answer', hasRival: false },
    'a: connecting: no answer\n',
    5,
  ],
  [{ health: 'stale', name: 'a', why: 'line\none', hasRival: false }, 'a: stale: line one\n', 5],
  [{ health: 'closed', name: 'a', why: 'no file', hasRival: false }, 'a: closed: no file\n', 5],
  [{ health: 'silent', name: 'a', why: 'it hangs', hasRival: false }, 'a: silent: it hangs\n', 5],
  [
    { health: 'none', name: undefined, why: 'nothing runs', hasRival: false },
    'none: nothing runs\n',
    1,
  ],
  [{ health: 'up', name: 'a', why: 'a rival', hasRival: true }, 'a: up: a rival\n', 0],
  [{ health: 'up', name: '\x1b', why: undefined, hasRival: false }, '\u{FFFD}: up\n', 0],
] as const)('%j is %j, and exit code %d', (answer, line, code) => {
  expect([healthLine(answer), healthCode(answer)]).toEqual([line, code]);
});
