import { type Background, checkOwnHandshake } from '../../../src/app/doctor/handshake-check.js';
import type { Silence } from '../../../src/lib/silence.js';
import { TunnelError } from '../../../src/tunnel/tunnel-error.js';
import type { UserspaceTunnel } from '../../../src/tunnel/userspace-tunnel.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';

const { signal } = new AbortController();

function background(change: Partial<Background> = {}, host = 'arc.example'): Background {
  const tunnelConfig = { endpoint: { host, port: 11010 } } as Background['tunnelConfig'];
  return { tunnelConfig, isSessionConfirmed: false, suspect: undefined, nat: undefined, ...change };
}

function own(reason: Silence, known: Background) {
  const error = new TunnelError(reason, { what: 'no handshake', why: 'why', next: ['Do this.'] });
  const tunnel = { waitForHandshake: () => Promise.reject(error) } as unknown as UserspaceTunnel;
  return checkOwnHandshake(tunnel, known, signal, { clock: new FakeClock() });
}

const matching = (pattern: RegExp): string => expect.stringMatching(pattern) as string;

it.each<[Silence, Background, object]>([
  ['wrong-key', background(), { cause: 'Why.', remedy: 'Do this.' }],
  ['no-answer', background(), { remedy: matching(/^Run "arctun doctor" with/) }],
  [
    'no-answer',
    background({ isSessionConfirmed: true }),
    { remedy: matching(/^Allow outgoing UDP packets to port 11010 in/) },
  ],
  ['no-answer', background({}, '127.0.0.1'), { remedy: matching(/arctun emulator/) }],
  ['no-data-back', background(), { text: 'The Arc server does not send any data.' }],
  ['under-load', background({ suspect: 'clock' }), { outcome: 'failed', remedy: 'Do this.' }],
])('explains the silence %s', async (reason, known, expected) => {
  expect(await own(reason, known)).toMatchObject({
    outcome: 'failed',
    kind: 'tunnel',
    ...expected,
  });
});

it('throws errors that are not about the tunnel', async () => {
  const error = new Error('a defect');
  const tunnel = { waitForHandshake: () => Promise.reject(error) } as unknown as UserspaceTunnel;
  const checking = checkOwnHandshake(tunnel, background(), signal, { clock: new FakeClock() });
  await expect(checking).rejects.toBe(error);
});
