/**
 * Independent WireGuard implementations, in both roles: the Linux kernel's and wireguard-go. The
 * tunnels that must survive a rekey run in the background from the start, for two minutes.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import {
  BOTH_PEERS,
  BOTH_ROLES,
  FOREIGN_PEERS,
  ForeignLab,
  type ForeignTunnel,
  type Initiator,
  type PeerName,
} from '../../support/foreign/foreign-lab.js';
import { outsideAddress } from '../../support/foreign/foreign-network.js';
import {
  anotherIdentity,
  endpointText,
  type ForeignPeer,
} from '../../support/foreign/foreign-peer.js';
import { describeWith } from '../../support/runner/requirements.js';
import { isLong, itInRelease } from '../../support/runner/tier.js';
import { keyPair, type KeyTexts, presharedKey } from '../../support/pairs/wireguard-peer.js';

/** Seconds (whitepaper 6.1). */
const REKEY_AFTER_TIME = 120;

/** Seconds for which traffic flows in the background. */
const LONG_RUN = REKEY_AFTER_TIME + 8;

/**
 * Clocks are read in whole seconds, the machine's clock starts within one, and a message takes
 * time.
 */
const CLOCK_TOLERANCE = 5;

/** Inner packets of a `ping`: 84 bytes, 96 with padding, 128 as a message. */
const ECHO_MESSAGE = 128;
const INITIATION = 148;
const RESPONSE = 92;
const KEEPALIVE = 32;
const MESSAGE_OVERHEAD = 32;

/** From the initiator to the responder, and back. */
function ways(initiator: Initiator): ['out', 'in'] | ['in', 'out'] {
  return initiator === 'ours' ? ['out', 'in'] : ['in', 'out'];
}

interface LongRun {
  readonly tunnel: ForeignTunnel;
  readonly posted: { body: string; sha256: string };
  readonly fetched: string;
  readonly pinged: [number, number];
  /** Each observed time of a latest handshake, in Unix seconds. */
  readonly ours: number[];
  readonly theirs: number[];
}

/** Our TCP streams and the other end's echo requests, across a rekey. */
async function runLong(tunnel: ForeignTunnel): Promise<LongRun> {
  const { ours, foreign, inside } = tunnel;
  await tunnel.establish();
  const seen = { ours: new Set<number>(), theirs: new Set<number>() };
  const look = async () => {
    seen.ours.add((await ours.status()).latestHandshake);
    seen.theirs.add((await tunnel.dump()).latestHandshake);
  };
  const lines = LONG_RUN * 10;
  const traffic = Promise.all([
    ours.post(foreign.inside, foreign.echoPath, lines, 100),
    foreign.getSha256(`http://${inside}/paced/${lines}/100`, LONG_RUN * 2_000),
    foreign.ping(inside, LONG_RUN * 5, { interval: 0.2 }),
  ]);
  const ended = traffic.then(() => true);
  do await look();
  while (!(await Promise.race([ended, pause(2_000, false)])));
  const [posted, fetched, pinged] = await traffic;
  await look();
  const times = (all: Set<number>) => [...all].sort((one, other) => one - other);
  return { tunnel, posted, fetched, pinged, ours: times(seen.ours), theirs: times(seen.theirs) };
}

/** An arc.json for a tunnel to that peer. */
function arcConfig(keys: KeyTexts, peer: ForeignPeer, inside: string): string {
  return JSON.stringify({
    ...keys,
    simId: '8942000000000000001',
    logLevel: 2,
    enableMetrics: true,
    interface: 'soratun0',
    arcSessionStatus: {
      arcServerPeerPublicKey: peer.publicKey,
      arcServerEndpoint: `${outsideAddress(peer.site)}:${peer.listenPort}`,
      arcAllowedIPs: ['100.127.0.0/16'],
      arcClientPeerIpAddress: inside,
    },
  });
}

describeWith(FOREIGN_PEERS, 'independent peers', () => {
  let lab: ForeignLab;
  const longRuns = new Map<string, Promise<LongRun>>();

  beforeAll(async () => {
    lab = await ForeignLab.start();
    if (!isLong) return;
    for (const [, name] of BOTH_PEERS) {
      for (const role of BOTH_ROLES) {
        const run = runLong(await lab.tunnel(name, role));
        // It fails when it is awaited.
        run.catch(() => undefined);
        longRuns.set(`${name} ${role}`, run);
      }
    }
  }, 180_000);
  afterAll(() => lab.close(), 60_000);

  const longRun = (name: PeerName, role: Initiator) => longRuns.get(`${name} ${role}`)!;

  describe.each(BOTH_PEERS)('%s', (_, name) => {
    it('has a session after one initiation and one response, and carries TCP in both directions, in either role (rows 1, 2, 23; witnesses Linux kernel and wireguard-go)', async () => {
      for (const role of BOTH_ROLES) {
        const tunnel = await lab.tunnel(name, role);
        await tunnel.establish();
        await tunnel.exchange(1_000_000);
        const [there, back] = ways(role);
        expect(tunnel.traffic(there, 'initiation')).toEqual({ messages: 1, bytes: INITIATION });
        expect(tunnel.traffic(back, 'response')).toEqual({ messages: 1, bytes: RESPONSE });
        expect(tunnel.traffic(back, 'initiation').messages).toBe(0);
        expect(tunnel.traffic(there, 'response').messages).toBe(0);
      }
    }, 120_000);

    itInRelease(
      'counts the same bytes as arctun, and reports the same endpoint and handshake, in either role (rows 25, 29, 32; witnesses Linux kernel and wireguard-go)',
      async () => {
        for (const role of BOTH_ROLES) {
          const tunnel = await lab.tunnel(name, role);
          await tunnel.establish();
          expect(await tunnel.foreign.ping(tunnel.inside, 10)).toEqual([10, 10]);
          await tunnel.until('equal counters', async () => {
            const [ours, theirs] = [await tunnel.ours.status(), await tunnel.dump()];
            return ours.sent === theirs.received && ours.received === theirs.sent;
          });
          const [ours, theirs] = [await tunnel.ours.status(), await tunnel.dump()];
          const { sent, received } = ours;
          expect({ sent, received }).toEqual(tunnel.transfer());
          expect({ sent, received }).toEqual({ sent: theirs.received, received: theirs.sent });
          // The kernel's netns.sh has the same numbers; keepalives depend on how fast the counters
          // are read.
          const [there, back] = ways(role);
          const echoes = role === 'ours' ? 10 : 11;
          for (const [way, handshake] of [
            [there, INITIATION],
            [back, RESPONSE],
          ] as const) {
            const keepalives = tunnel.traffic(way, 'data').messages - echoes;
            expect(way === 'out' ? sent : received).toBe(
              handshake + echoes * ECHO_MESSAGE + keepalives * KEEPALIVE,
            );
          }
          expect(ours.endpoint).toEqual(tunnel.theirAddress);
          expect(theirs.endpoint).toBe(endpointText(tunnel.ourAddress));
          expect(Math.abs(ours.latestHandshake - theirs.latestHandshake)).toBeLessThanOrEqual(
            CLOCK_TOLERANCE,
          );
        }
      },
      120_000,
    );

    it('has a session with a pre-shared key, in either role (row 1; witnesses Linux kernel and wireguard-go)', async () => {
      for (const role of BOTH_ROLES) {
        const key = presharedKey();
        const tunnel = await lab.tunnel(name, role, {
          ourPresharedKey: key,
          theirPresharedKey: key,
        });
        await tunnel.establish();
        await tunnel.exchange();
      }
    }, 120_000);

    itInRelease(
      'has no session with another pre-shared key, which arctun reports as initiator, but has one after it is corrected (rows 1, 13, 33; witnesses Linux kernel and wireguard-go)',
      async () => {
        await Promise.all(
          BOTH_ROLES.map(async (role) => {
            const [right, wrong] = [presharedKey(), presharedKey()];
            const tunnel = await lab.tunnel(name, role, {
              ourPresharedKey: role === 'ours' ? wrong : right,
              theirPresharedKey: role === 'ours' ? right : wrong,
            });
            await tunnel.begin();
            const [, back] = ways(role);
            await tunnel.until('a response', () =>
              Promise.resolve(tunnel.traffic(back, 'response').messages > 0),
            );
            if (role === 'ours') {
              await tunnel.until('its reason', async () => {
                return (await tunnel.ours.status()).silence === 'wrong-key';
              });
            }
            const unanswered = await tunnel.foreign.ping(tunnel.inside, 3, { patience: 1 });
            expect(unanswered).toEqual([3, 0]);
            expect(await tunnel.ours.status()).toMatchObject({ handshakes: 0, hasSession: false });
            expect((await tunnel.dump()).latestHandshake).toBe(0);

            if (role === 'ours') await tunnel.ours.setPresharedKey(right);
            else await tunnel.foreign.setPresharedKey(tunnel.keys.publicKey, right);
            await tunnel.establish();
            await tunnel.exchange();
          }),
        );
      },
      180_000,
    );

    it('is reached over IPv6, in either role (row 29; witnesses Linux kernel and wireguard-go)', async () => {
      // wireguard-go cannot send to IPv6 addresses after it has sent to IPv4 ones.
      const foreign = await lab.another(name, anotherIdentity());
      for (const role of BOTH_ROLES) {
        const tunnel = await lab.tunnel(name, role, { family: 6, foreign });
        await tunnel.establish();
        await tunnel.exchange();
        expect((await tunnel.ours.status()).endpoint).toEqual(tunnel.theirAddress);
        expect((await tunnel.dump()).endpoint).toBe(endpointText(tunnel.ourAddress));
      }
    }, 120_000);

    itInRelease(
      'receives persistent keepalives of only a header, which start automatically, in either role (row 21; witnesses Linux kernel and wireguard-go)',
      async () => {
        for (const role of BOTH_ROLES) {
          const tunnel = await lab.tunnel(name, role, { persistentKeepalive: 1 });
          const [there, back] = ways(role);
          await tunnel.untilEstablished();
          await tunnel.until('keepalives', () =>
            Promise.resolve(tunnel.traffic(there, 'data').messages >= 3),
          );
          const { messages, bytes } = tunnel.traffic(there, 'data');
          expect(bytes).toBe(messages * KEEPALIVE);
          expect(tunnel.traffic(back, 'data').messages).toBe(0);
          expect(tunnel.traffic(there, 'initiation').messages).toBe(1);
        }
      },
      120_000,
    );

    itInRelease(
      'is ignored if it sends from an inner address that is not its own, in either role (row 27; witnesses Linux kernel and wireguard-go)',
      async () => {
        const foreign = lab.peer(name);
        await foreign.shell(`ip address add 100.127.0.1/32 dev ${foreign.device}`);
        for (const role of BOTH_ROLES) {
          const tunnel = await lab.tunnel(name, role);
          await tunnel.establish();
          const elsewhere = { source: '100.127.0.1', patience: 1 };
          expect(await foreign.ping(tunnel.inside, 3, elsewhere)).toEqual([3, 0]);
          await tunnel.until('three drops', async () => {
            return (await tunnel.ours.status()).wrongSources === 3;
          });
          expect(await foreign.ping(tunnel.inside, 3)).toEqual([3, 3]);
        }
      },
      120_000,
    );

    it('sends and receives packets of up to 1280 bytes at an MTU of 1280, in either role (rows 25, 36; witnesses Linux kernel and wireguard-go)', async () => {
      await lab.peer(name).setMtu(1280);
      try {
        for (const role of BOTH_ROLES) {
          const tunnel = await lab.tunnel(name, role, { mtu: 1280 });
          lab.network.watchLength(tunnel.port, 1280 + MESSAGE_OVERHEAD);
          await tunnel.establish();
          await tunnel.exchange();
          for (const way of ['out', 'in'] as const) {
            const { equal, longer } = lab.network.lengths(tunnel.port, way);
            expect(equal).toBeGreaterThan(50);
            expect(longer).toBe(0);
          }
        }
      } finally {
        await lab.peer(name).setMtu(1420);
      }
    }, 120_000);

    it('works with arctun up, between curl and an HTTP server (rows 1, 23; witnesses Linux kernel and wireguard-go)', async () => {
      const peer = lab.peer(name);
      const keys = keyPair();
      const inside = name === 'go' ? '10.78.0.1' : '10.78.0.2';
      await peer.setPeer({ publicKey: keys.publicKey, allowedIps: `${inside}/32` });
      const folder = mkdtempSync(join(tmpdir(), 'arctun-foreign-'));
      try {
        const config = join(folder, 'arc.json');
        writeFileSync(config, arcConfig(keys, peer, inside), { mode: 0o600 });
        const up = lab.arctun([
          'up',
          '--config',
          config,
          '--json',
          '--forward-listen',
          '127.0.0.1:0',
        ]);
        const [, url] = await up.output(/"forward":"(http:[^"]+)"/);
        const body = randomBytes(1_000_000);
        writeFileSync(join(folder, 'body'), body);
        const curl = lab.processes.start([
          ...lab.network.in('ours'),
          ...['curl', '-sSf', '-H', 'Expect:', '--max-time', '60'],
          ...['--data-binary', `@${join(folder, 'body')}`, `${url}${peer.echoPath}`],
        ]);
        const { stdout, stderr } = await curl.finished;
        expect(stderr).toBe('');
        const sha256 = createHash('sha256').update(body).digest('hex');
        expect(JSON.parse(stdout)).toEqual({ length: body.length, sha256 });
        up.kill('SIGTERM');
        expect((await up.finished).code).toBe(0);
      } finally {
        rmSync(folder, { recursive: true });
      }
    }, 120_000);
  });

  itInRelease(
    'has a new session after arctun crashes, at once if arctun initiates, otherwise after answers are missing (rows 5, 20; witnesses Linux kernel and wireguard-go)',
    async () => {
      const tunnels = await Promise.all(
        BOTH_PEERS.flatMap(([, name]) => BOTH_ROLES.map((role) => lab.tunnel(name, role))),
      );
      await Promise.all(
        tunnels.map(async (tunnel) => {
          await tunnel.establish();
          await tunnel.exchange();
          await tunnel.ours.crash();
          await tunnel.openOurs();
          // As responder, we do not know about the session: the peer sends in the session that we
          // have lost.
          await tunnel.begin();
          await tunnel.until('a new session', async () => (await tunnel.ours.status()).hasSession);
          await tunnel.exchange();
          // None was refused because of its timestamp.
          const [there, back] = ways(tunnel.initiator);
          expect(tunnel.traffic(back, 'response').messages).toBe(
            tunnel.traffic(there, 'initiation').messages,
          );
        }),
      );
    },
    180_000,
  );

  itInRelease(
    'has a new session after it crashes, at once if it initiates, otherwise after answers are missing (rows 5, 20; witnesses Linux kernel and wireguard-go)',
    async () => {
      const tunnels: ForeignTunnel[] = [];
      for (const [, name] of BOTH_PEERS) {
        const foreign = await lab.another(name, anotherIdentity());
        for (const role of BOTH_ROLES) tunnels.push(await lab.tunnel(name, role, { foreign }));
      }
      for (const tunnel of tunnels) {
        await tunnel.establish();
        await tunnel.exchange();
      }
      for (const foreign of new Set(tunnels.map((tunnel) => tunnel.foreign))) {
        await foreign.crash();
        await foreign.start();
      }
      await Promise.all(
        tunnels.map(async (tunnel) => {
          await tunnel.introduce();
          // As initiator, we do not notice the crash: we send in the session that the peer has lost.
          if (tunnel.initiator === 'ours') await tunnel.ours.datagram(tunnel.foreign.inside);
          else await tunnel.begin();
          await tunnel.until('a new session', async () => {
            const [ours, theirs] = [await tunnel.ours.status(), await tunnel.dump()];
            return ours.handshakes === 2 && theirs.latestHandshake > 0;
          });
          await tunnel.exchange();
        }),
      );
    },
    180_000,
  );

  describe.each(BOTH_PEERS)('%s, after two minutes', (_, name) => {
    itInRelease(
      'rekeys under traffic after 120 s, only as initiator, without packet loss, in either role (rows 15, 22; witnesses Linux kernel and wireguard-go)',
      async () => {
        for (const role of BOTH_ROLES) {
          const { tunnel, posted, fetched, pinged, ours, theirs } = await longRun(name, role);
          const length = LONG_RUN * 10_000;
          expect(JSON.parse(posted.body)).toEqual({ length, sha256: posted.sha256 });
          // Both streams are the same lines.
          expect(fetched).toBe(posted.sha256);
          expect(pinged).toEqual([LONG_RUN * 5, LONG_RUN * 5]);
          for (const times of [ours, theirs]) {
            const [first, second] = times;
            expect(second! - first!).toBeGreaterThanOrEqual(REKEY_AFTER_TIME - 1);
          }
          const [there, back] = ways(role);
          expect(tunnel.traffic(there, 'initiation').messages).toBeGreaterThanOrEqual(2);
          expect(tunnel.traffic(back, 'response').messages).toBeGreaterThanOrEqual(2);
          expect(tunnel.traffic(back, 'initiation').messages).toBe(0);
          expect(tunnel.traffic(there, 'response').messages).toBe(0);
        }
      },
      200_000,
    );
  });
});
