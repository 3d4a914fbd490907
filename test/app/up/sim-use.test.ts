import { readSimUse, simUseLine } from '../../../src/app/up/sim-use.js';

const use = (changes: object) =>
  readSimUse(JSON.stringify({ command: 'up', pid: 4711, ...changes }));

it('reads what it has written', () => {
  const written = { command: 'up', pid: 4711, forward: 'http://127.0.0.1:8888' } as const;
  expect(readSimUse(simUseLine(written))).toMatchObject(written);
  expect(use({ forward: 'http://[::1]:8888' })).toMatchObject({ forward: 'http://[::1]:8888' });
});

it.each([
  'http://203.0.113.66:8888',
  'http://evil.example:80',
  'http://127.0.0.1:8888/x',
  'http://127.0.0.1.evil.example:1',
])('omits an address of another machine: %s', (forward) => {
  expect(use({ forward })).toMatchObject({ pid: 4711, forward: undefined });
});

it.each(['soratun0.sock', '/run/key', `/${'x'.repeat(110)}.sock`, '/a\0b.sock', 1])(
  'omits %j, which is not the path of a socket',
  (socket) => {
    expect(use({ socket })).toMatchObject({ pid: 4711, socket: undefined });
  },
);

it.each([0, 1, -5, 1.5, '4711'])(
  'rejects the process ID %p, because that process must not be killed',
  (pid) => {
    expect(use({ pid })).toBeUndefined();
  },
);
