import { failed, ok, skipped } from '../../../src/app/doctor/check.js';
import { examineNat, natObstacle, type NatPlace } from '../../../src/app/doctor/nat-probe.js';
import type { Rival } from '../../../src/tunnel/userspace-tunnel.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';
import { apiError, CREDENTIALS, FakeSoracom } from '../fake-soracom.js';

const SERVER = '100.127.0.53';

const SEEN: Rival = {
  isCertain: false,
  isInDoubt: true,
  foreignFlows: 0,
  lostSessions: 0,
  what: 'another tunnel may be using this virtual SIM',
  why: 'the Arc server sent a packet for another session',
  next: [],
};

/** A tunnel whose name server answers, with two peers. */
class FakeTunnel {
  readonly targets: unknown[] = [];
  isAnswering = true;
  showRival: (rival: Rival) => void = () => undefined;
  readonly server = { sentBytes: 1_000, receivedBytes: 2_000 };
  readonly #other = { sentBytes: 10, receivedBytes: 20 };

  onRival(listener: (rival: Rival) => void): void {
    this.showRival = listener;
  }

  status() {
    return Promise.resolve({ peers: [{ ...this.server }, this.#other] });
  }

  readonly datagramDialer = {
    open: (target: unknown) => {
      this.targets.push(target);
      let answer: Uint8Array | undefined;
      return Promise.resolve({
        maxPayload: 1_200,
        send: (question: Uint8Array) => {
          if (!this.isAnswering) return;
          answer = Uint8Array.from(question);
          answer[2]! |= 0x80; // QR: a response
        },
        receive: () => Promise.resolve(answer),
        close: () => undefined,
      });
    },
  };
}

let api: FakeSoracom;
let tunnel: FakeTunnel;
let rivals: string[];
let echo: { sent: number; received: number };

beforeEach(() => {
  api = new FakeSoracom();
  tunnel = new FakeTunnel();
  rivals = [];
  echo = { sent: 96, received: 96 };
  api.onCall = (call) => {
    if (!call.startsWith('sendDownlinkPing')) return;
    tunnel.server.sentBytes += echo.sent;
    tunnel.server.receivedBytes += echo.received;
  };
});

const pings = () => api.calls.filter((call) => call === 'sendDownlinkPing 8942').length;

/** Passes the time until the check has ended. */
async function examine(
  signal = new AbortController().signal,
  obstacle = natObstacle(ok('sim', '')),
) {
  const clock = new FakeClock();
  const request = { simId: '8942', profile: undefined, onStep: () => undefined, obstacle };
  const options = {
    persistentKeepalive: 1_000,
    source: 'arc.json',
    signal,
    onStep: () => undefined,
    onRival: (why: string) => rivals.push(why),
  };
  const account = {
    credentials: () => Promise.resolve(CREDENTIALS),
    createClient: () => api,
  };
  const place = { tunnel, server: SERVER } as unknown as NatPlace;
  const examining = examineNat(request, place, options, {
    account,
    clock,
    entropy: seededEntropy(1),
  });
  let isOver = false as boolean;
  const over = () => (isOver = true);
  examining.then(over, over);
  for (;;) {
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    if (isOver) return examining;
    clock.advance(100);
  }
}

it('pings the SIM before and after a silence, and signs out', async () => {
  expect(await examine()).toMatchObject({ outcome: 'ok' });
  expect(api.calls).toEqual(['auth', 'sendDownlinkPing 8942', 'sendDownlinkPing 8942', 'logout']);
  expect(tunnel.targets).toEqual([{ host: SERVER, port: 53 }]);
  expect(rivals).toEqual([]);
});

it('knows a silent name server', async () => {
  tunnel.isAnswering = false;
  expect((await examine()).text).toMatch(/the name server did not answer/);
});

it('counts what the tunnel sends and receives', async () => {
  echo = { sent: 96, received: 0 };
  expect((await examine()).text).toMatch(/another tunnel with this SIM answered the ping/);
  expect(rivals).toEqual(['SORACOM received a reply to a ping, and this tunnel did not send it']);
});

it('is skipped if a rival appears during the check', async () => {
  const { onCall } = api;
  api.onCall = (call) => {
    onCall(call);
    if (pings() === 1) tunnel.showRival(SEEN);
  };
  expect(await examine()).toMatchObject({
    outcome: 'skipped',
    text: 'Skipped: first fix the problem with "other tunnels".',
  });
  expect(new Set(rivals)).toEqual(new Set([SEEN.why]));
});

it.each([
  [apiError(403), 'Skipped: the credentials do not have the permission Sim:sendDownlinkPing.'],
  [apiError(400), 'Skipped: SORACOM did not ping this SIM: HTTP 400.'],
])('is skipped if SORACOM refuses to ping', async (error, text) => {
  api.failures.set('sendDownlinkPing', error);
  expect(await examine()).toEqual({ name: 'nat', outcome: 'skipped', text });
  expect(api.calls.at(-1)).toBe('logout');
});

it('rejects with an error that is not from SORACOM', async () => {
  const error = new Error('broken');
  tunnel.status = () => Promise.reject(error);
  await expect(examine()).rejects.toBe(error);
});

it('does not sign in if SORACOM cannot be asked', async () => {
  const obstacle = skipped('nat', 'no credentials');
  expect(await examine(undefined, obstacle)).toBe(obstacle);
  expect(api.calls).toEqual([]);
});

const simFailure = (kind: 'tunnel' | 'api') =>
  failed('sim', { kind, text: 'Failed.', cause: 'Cause.', remedy: 'Remedy.' });

it.each([
  [ok('sim', 'The SIM is active.'), undefined],
  [skipped('sim', 'no credentials'), 'Skipped: no credentials.'],
  [simFailure('tunnel'), 'Skipped: first fix the problem with "SIM and session".'],
  [
    simFailure('api'),
    'Skipped: SORACOM did not report this SIM, for the reason under "SIM and session".',
  ],
])('explains why SORACOM cannot be asked after %j', (sim, text) => {
  const obstacle = text === undefined ? undefined : { name: 'nat', outcome: 'skipped', text };
  expect(natObstacle(sim)).toEqual(obstacle);
});
