import { failed, ok, skipped } from '../../../src/app/doctor/check.js';
import { checkNat, natObstacle, type NatOptions } from '../../../src/app/doctor/nat-check.js';
import { pause } from '../../../src/lib/waits.js';
import type { Rival } from '../../../src/tunnel/userspace-tunnel.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';
import { apiError, CREDENTIALS, FakeSoracom } from '../fake-soracom.js';

/** WireGuard acknowledges data after this time, if there is nothing else to send. */
const ACKNOWLEDGMENT = 10_000;
const PING_TIMEOUT = 2_000;

/** The lengths in bytes of a keepalive and of a ping inside the tunnel. */
const KEEPALIVE = 32;
const ECHO = 96;

/** A tunnel behind a NAT that forgets a mapping after `lifetime` milliseconds of silence. */
class Nat {
  readonly api = new FakeSoracom();
  readonly clock = new FakeClock();
  readonly lifetime: number;
  readonly steps: string[] = [];
  readonly rivals: string[] = [];
  /** The silence before each ping that follows a silence, in milliseconds. */
  readonly silences: number[] = [];
  /** Which pings are lost by chance, in order. */
  losses: boolean[] = [];
  /** The numbers of the pings that another tunnel answers. */
  stolen: number[] = [];
  /** What this tunnel sends and receives during a ping that it answers. */
  echo = { sent: ECHO, received: ECHO };
  onPing: () => unknown = () => undefined;
  /** The error of SORACOM's API, and the number of the first ping with this error. */
  failure: { readonly from: number; readonly error: Error } | undefined;
  isPingPossible = true;
  areNamesAnswered = true;
  /** The interval of other messages, in milliseconds. */
  noise = Infinity;
  /** Whether another message follows each exchange. */
  hasLateMessage = false;
  /** The targets of the exchanges. */
  readonly targets: unknown[] = [];
  showRival: (rival: Rival) => void = () => undefined;
  pings = 0;
  opened = 0;
  #sent = 0;
  #received = 0;
  #lastUse: number;
  #isSilent = false;

  constructor(lifetime: number) {
    this.lifetime = lifetime;
    this.#lastUse = this.clock.now();
    this.api.sendDownlinkPing = async () => ({ success: await this.#ping() });
  }

  #ping(): Promise<boolean> {
    this.pings++;
    this.onPing();
    if (this.failure !== undefined && this.pings >= this.failure.from) {
      return Promise.reject(this.failure.error);
    }
    if (this.stolen.includes(this.pings)) return Promise.resolve(true);
    const silence = this.clock.now() - this.#lastUse;
    // A ping right after the exchange checks only that pings still arrive.
    if (this.#isSilent && silence > 0) this.silences.push(silence);
    this.#isSilent = false;
    const isMapped = silence < this.lifetime;
    const isLost = this.losses.shift() ?? false;
    if (!isMapped || isLost || !this.isPingPossible) return this.#timeOut();
    this.#use(this.echo);
    return Promise.resolve(true);
  }

  /** A name server answers. */
  #exchange(): void {
    this.opened++;
    this.#use();
    this.#isSilent = true;
    const exchange = this.opened;
    this.clock.startTimer(ACKNOWLEDGMENT, () => {
      if (this.opened === exchange) this.#use();
    });
    if (this.hasLateMessage) this.clock.startTimer(200, () => this.#use());
    if (this.noise < Infinity) this.#makeNoise();
  }

  readonly #tunnel = {
    onRival: (listener: (rival: Rival) => void) => (this.showRival = listener),
    status: () =>
      Promise.resolve({ peers: [{ sentBytes: this.#sent, receivedBytes: this.#received }] }),
    datagramDialer: {
      open: (target: unknown) => {
        this.targets.push(target);
        let answer: Uint8Array | undefined;
        return Promise.resolve({
          maxPayload: 1_200,
          send: (question: Uint8Array) => {
            if (!this.areNamesAnswered) return;
            this.#exchange();
            answer = Uint8Array.from(question);
            answer[2]! |= 0x80; // QR: a response
          },
          receive: () => Promise.resolve(answer),
          close: () => undefined,
        });
      },
    },
  };

  /** Passes the time until the check has ended. */
  async check(change: Partial<NatOptions> = {}, obstacle = natObstacle(ok('sim', ''))) {
    const onStep = (step: string) => this.steps.push(step);
    const account = {
      credentials: () => Promise.resolve(CREDENTIALS),
      createClient: () => this.api,
    };
    const checking = checkNat(
      { simId: '8942', profile: undefined, obstacle, onStep },
      {
        tunnel: this.#tunnel as unknown as NatOptions['tunnel'],
        server: '100.127.0.53',
        persistentKeepalive: 60_000,
        source: 'arc.json',
        signal: new AbortController().signal,
        onRival: (why) => this.rivals.push(why),
        ...change,
      },
      { account, clock: this.clock, entropy: seededEntropy(1) },
    );
    let isOver = false as boolean;
    const over = () => (isOver = true);
    checking.then(over, over);
    for (;;) {
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (isOver) return checking;
      this.clock.advance(100);
    }
  }

  async #timeOut(): Promise<boolean> {
    await pause(PING_TIMEOUT, this.clock);
    return false;
  }

  #use({ sent, received } = { sent: KEEPALIVE, received: 0 }): void {
    this.#sent += sent;
    this.#received += received;
    this.#lastUse = this.clock.now();
  }

  #makeNoise(): void {
    this.clock.startTimer(this.noise, () => {
      this.#use();
      this.#makeNoise();
    });
  }
}

const OTHERS_FIRST = 'Stop other tunnels with this SIM. If there are none,';

const lost = (text: string, remedy: string) => ({
  name: 'nat',
  outcome: 'failed',
  kind: 'tunnel',
  text,
  remedy,
});

it('accepts a mapping that is kept for the keepalive interval', async () => {
  const nat = new Nat(70_000);
  expect(await nat.check()).toEqual({
    name: 'nat',
    outcome: 'ok',
    text: 'SORACOM reached this SIM after 60 s of silence.',
  });
  // The silence starts after the acknowledgment, and no longer silence is needed.
  expect(nat.silences).toHaveLength(1);
  expect(nat.silences[0]).toBeGreaterThanOrEqual(60_000);
  expect(nat.silences[0]).toBeLessThan(61_000);
  expect(nat.steps).toEqual([
    'Asking SORACOM to ping this SIM',
    'Sending nothing for 60 s, to see whether a NAT keeps its mapping',
  ]);
  expect(nat.targets).toEqual([{ host: '100.127.0.53', port: 53 }]);
  expect(nat.api.calls).toEqual(['auth', 'logout']);
  expect(nat.rivals).toEqual([]);
});

it.each([
  [26_000, 25],
  [20_000, 15],
])('finds a shorter interval for a mapping that is lost after %i ms', async (lifetime, kept) => {
  const nat = new Nat(lifetime);
  expect(await nat.check()).toEqual({
    ...lost(
      'SORACOM cannot reach this SIM after 60 s of silence.',
      `${OTHERS_FIRST} set "persistentKeepalive": ${kept} in arc.json, because a mapping was kept for ${kept} s.`,
    ),
    cause: expect.stringMatching(
      /forgets the tunnel's mapping within 60 s, or another tunnel with this SIM sends keepalives, because twice, /,
    ) as string,
  });
});

it('names the shortest interval that was lost, if none was kept', async () => {
  const nat = new Nat(12_000);
  expect(await nat.check()).toMatchObject(
    lost(
      'SORACOM cannot reach this SIM after 60 s of silence.',
      `${OTHERS_FIRST} set "persistentKeepalive" in arc.json to less than 15.`,
    ),
  );
  expect(nat.silences.map((silence) => Math.floor(silence / 1000))).toEqual([60, 60, 25, 15]);
});

it.each([
  [4_000, [4, 4, 2]],
  // There is no time for 60 s.
  [100_000, [100, 100, 25]],
])(
  'tries shorter intervals than %i ms, within five minutes',
  async (persistentKeepalive, silences) => {
    const nat = new Nat(silences[2]! * 1000 + 1_000);
    const before = nat.clock.now();
    await nat.check({ persistentKeepalive });
    expect(nat.clock.now() - before).toBeLessThan(300_000);
    expect(nat.silences.map((silence) => Math.floor(silence / 1000))).toEqual(silences);
  },
);

it('does not suggest an interval below one second', async () => {
  expect(await new Nat(500).check({ persistentKeepalive: 1_000 })).toMatchObject({
    remedy: `${OTHERS_FIRST} make the NAT or firewall keep UDP mappings for longer.`,
  });
});

it.each([1, 10])(
  'does not take the acknowledgment for a kept mapping with an interval of %i s',
  async (seconds) => {
    const nat = new Nat(seconds * 1000 - 100);
    expect(await nat.check({ persistentKeepalive: seconds * 1000 })).toMatchObject({
      outcome: 'failed',
    });
    expect(Math.max(...nat.silences)).toBeLessThan(seconds * 1000 + 600);
  },
);

it('does not take a late message for the acknowledgment', async () => {
  const nat = new Nat(8_900);
  nat.hasLateMessage = true;
  expect(await nat.check({ persistentKeepalive: 9_000 })).toMatchObject({ outcome: 'failed' });
});

it('measures at most 120 s', async () => {
  const long = new Nat(1e9);
  expect((await long.check({ persistentKeepalive: 300_000 })).text).toBe(
    'SORACOM reached this SIM after 120 s of silence, which is the longest time that can be measured.',
  );
  expect(long.silences[0]).toBeLessThan(121_000);
});

it('repeats a silence after which no ping arrived, because of a short outage', async () => {
  const nat = new Nat(1e9);
  nat.losses = [false, true, true];
  expect(await nat.check()).toEqual({
    name: 'nat',
    outcome: 'ok',
    text: 'SORACOM reached this SIM after 60 s of silence, but only at the second attempt.',
  });
  expect(nat.silences.map((silence) => Math.floor(silence / 1000))).toEqual([60, 60]);
});

it.each([
  ['the first ping', 1, 1e9],
  ['the ping after the silence', 2, 1e9],
  ['the ping through a new mapping', 4, 50_000],
  ['a ping after a shorter silence', 8, 50_000],
])('is skipped if another tunnel answers %s', async (_, number, lifetime) => {
  const nat = new Nat(lifetime);
  nat.stolen = [number];
  expect(await nat.check()).toEqual({
    name: 'nat',
    outcome: 'skipped',
    text: 'Skipped: another tunnel with this SIM answered the ping.',
  });
  expect(nat.pings).toBe(number);
  expect(nat.rivals).toEqual([
    'SORACOM received a reply to a ping, and this tunnel did not send it',
  ]);
});

it.each([
  { sent: KEEPALIVE, received: ECHO },
  { sent: ECHO, received: KEEPALIVE },
])('does not take $sent sent and $received received bytes for a reply', async (echo) => {
  const nat = new Nat(1e9);
  nat.echo = echo;
  expect(await nat.check()).toMatchObject({
    text: 'Skipped: another tunnel with this SIM answered the ping.',
  });
});

it('fails without a suggestion if SORACOM cannot be asked after a proven loss', async () => {
  const nat = new Nat(50_000);
  nat.failure = { from: 8, error: apiError(503) };
  expect(await nat.check()).toMatchObject(
    lost(
      'SORACOM cannot reach this SIM after 60 s of silence.',
      `${OTHERS_FIRST} set "persistentKeepalive" in arc.json to less than 60.`,
    ),
  );
  expect(nat.pings).toBe(8);
});

it.each([
  [7, apiError(503), 'SORACOM did not ping this SIM: HTTP 503'],
  [1, apiError(400), 'SORACOM did not ping this SIM: HTTP 400'],
  [1, apiError(403), 'the credentials do not have the permission Sim:sendDownlinkPing'],
])('is skipped if SORACOM refuses ping %i', async (from, error, why) => {
  const nat = new Nat(50_000);
  nat.failure = { from, error };
  expect(await nat.check()).toEqual({ name: 'nat', outcome: 'skipped', text: `Skipped: ${why}.` });
  expect(nat.api.calls.at(-1)).toBe('logout');
});

it('rejects with an error that is not from SORACOM', async () => {
  const nat = new Nat(50_000);
  const error = new Error('broken');
  nat.failure = { from: 8, error };
  await expect(nat.check()).rejects.toBe(error);
});

it('is skipped if SORACOM cannot ping the SIM at all', async () => {
  const nat = new Nat(1e9);
  nat.isPingPossible = false;
  expect(await nat.check()).toEqual({
    name: 'nat',
    outcome: 'skipped',
    text: 'Skipped: SORACOM cannot ping this SIM, so the NAT cannot be measured.',
  });
  expect([nat.pings, nat.opened]).toEqual([2, 0]);
});

it('repeats a ping that is lost by chance', async () => {
  const nat = new Nat(1e9);
  nat.losses = [true, false, true];
  expect(await nat.check()).toMatchObject({ outcome: 'ok' });
  expect(nat.pings).toBe(4);
});

it('is skipped if pings do not arrive any more, even with a new mapping', async () => {
  const nat = new Nat(1e9);
  nat.losses = [false, true, true, true, true];
  expect(await nat.check()).toMatchObject({
    outcome: 'skipped',
    text: 'Skipped: SORACOM could not ping this SIM again after 60 s of silence.',
  });
});

it('is skipped if the name server does not answer before the silence', async () => {
  const nat = new Nat(1e9);
  nat.areNamesAnswered = false;
  expect(await nat.check()).toEqual({
    name: 'nat',
    outcome: 'skipped',
    text: 'Skipped: the name server did not answer, so no mapping was opened.',
  });
  expect([nat.pings, nat.opened]).toEqual([1, 0]);
});

it('is skipped if other messages pass through the tunnel', async () => {
  const nat = new Nat(1e9);
  nat.noise = 9_000;
  expect(await nat.check()).toMatchObject({
    outcome: 'skipped',
    text: 'Skipped: other traffic interrupted the silence of 60 s.',
  });
  expect(nat.pings).toBe(1);
});

const SEEN = {
  isCertain: false,
  isInDoubt: true,
  why: 'the Arc server sent a packet for another session',
} as Rival;

it('is skipped if a rival appears, but not because of flows of an earlier process', async () => {
  const nat = new Nat(70_000);
  nat.onPing = () => nat.showRival({ ...SEEN, isInDoubt: false, foreignFlows: 1 });
  expect(await nat.check()).toMatchObject({ outcome: 'ok' });
  nat.onPing = () => nat.showRival(SEEN);
  expect(await nat.check()).toMatchObject({
    outcome: 'skipped',
    text: 'Skipped: first fix the problem with "other tunnels".',
  });
  expect(new Set(nat.rivals)).toEqual(new Set([SEEN.why]));
});

it('ends at once when it is stopped', async () => {
  const nat = new Nat(1e9);
  const stop = new AbortController();
  const reason = new Error('stopped');
  nat.clock.startTimer(20_000, () => stop.abort(reason));
  const before = nat.clock.now();
  await expect(nat.check({ signal: stop.signal })).rejects.toBe(reason);
  expect(nat.clock.now() - before).toBeLessThan(20_200);
  expect(nat.pings).toBe(1);
});

const simFailure = (kind: 'tunnel' | 'api') =>
  failed('sim', { kind, text: 'Failed.', cause: 'Cause.', remedy: 'Remedy.' });

it.each([
  [skipped('sim', 'no credentials'), 'Skipped: no credentials.'],
  [simFailure('tunnel'), 'Skipped: first fix the problem with "SIM and session".'],
  [
    simFailure('api'),
    'Skipped: SORACOM did not report this SIM, for the reason under "SIM and session".',
  ],
])('does not sign in after %j', async (sim, text) => {
  const nat = new Nat(1e9);
  const skippedCheck = { name: 'nat', outcome: 'skipped', text };
  expect(await nat.check({}, natObstacle(sim))).toEqual(skippedCheck);
  expect(nat.api.calls).toEqual([]);
});
