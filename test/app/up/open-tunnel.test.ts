/** The errors of `up` and `send` if a tunnel does not come up, in virtual time. */

import { openTunnel } from '../../../src/app/up/open-tunnel.js';
import { planTunnel, type TunnelPlan } from '../../../src/app/up/plan-tunnel.js';
import { ArcConfigError } from '../../../src/arc-config/arc-config-error.js';
import { parseArcConfig } from '../../../src/arc-config/parse-arc-config.js';
import type { TunnelOverrides } from '../../../src/arc-config/tunnel-faults.js';
import { createNodeCrypto } from '../../../src/crypto/node.js';
import { UserError } from '../../../src/lib/errors/user-error.js';
import { CLIENT, CLIENT_KEY, TunnelInMemory } from '../../support/pairs/tunnel-in-memory.js';

let world: TunnelInMemory;
beforeEach(async () => {
  world = new TunnelInMemory(createNodeCrypto());
  await world.openNetwork();
});
afterEach(async () => {
  await world.network.close();
  expect(world.clock.armed).toBe(0);
});

function options(host: string, wait: number, serverKey = world.server.publicKey) {
  const config = parseArcConfig(
    JSON.stringify({
      privateKey: Buffer.from(CLIENT_KEY).toString('base64'),
      arcSessionStatus: {
        arcServerPeerPublicKey: Buffer.from(serverKey).toString('base64'),
        arcServerEndpoint: `${host}:${world.server.port}`,
        arcAllowedIPs: ['100.127.0.0/16'],
        arcClientPeerIpAddress: CLIENT,
      },
    }),
    { path: 'arc.json' },
  );
  const arcConfig = { config, original: config, source: 'arc.json', path: 'arc.json' };
  return { arcConfig, wait };
}

/** Plans and opens, as `send` does. */
async function open(given: TunnelPlan & { wait: number }) {
  return openTunnel(planTunnel(given, world.ports), given, world.ports);
}

it.each([
  [CLIENT, 4, 575, 576],
  ['fd00::2', 6, 1279, 1280],
])('refuses for %s (IPv%d) a --mtu of %d', (address, family, mtu, minimum) => {
  const given = options('127.0.0.1', 0);
  const { config } = given.arcConfig;
  const session = { ...config.arcSessionStatus!, arcClientPeerIpAddress: address };
  const arcConfig = {
    ...given.arcConfig,
    config: { ...config, arcSessionStatus: session, mtu: 1 },
  };
  const plan = (override: number) =>
    planTunnel({ arcConfig, overrides: { mtu: override } }, world.ports);
  expect(() => plan(mtu)).toThrow(
    `cannot use --mtu=${mtu}: the MTU must be at least ${minimum} for IPv${family} inside the tunnel`,
  );
  expect(plan(minimum).mtu).toBe(minimum);
});

it('uses overrides, and arc.json for the rest', () => {
  const given = options('127.0.0.1', 0);
  const config = {
    ...given.arcConfig.config,
    mtu: 1300,
    persistentKeepalive: 25,
    additionalAllowedIps: ['10.128.0.0/9'],
  };
  const plan = (overrides?: TunnelOverrides) => {
    const arcConfig = { ...given.arcConfig, config };
    const planned = planTunnel(
      { ...given, arcConfig, ...(overrides && { overrides }) },
      world.ports,
    );
    const { mtu, persistentKeepalive, allowedIps } = planned;
    return { mtu, persistentKeepalive, prefixes: allowedIps.length };
  };
  expect(plan()).toEqual({ mtu: 1300, persistentKeepalive: 25_000, prefixes: 2 });
  expect(plan({ mtu: undefined })).toEqual(plan());
  expect(
    plan({ mtu: 1400, persistentKeepalive: 0, additionalAllowedIps: ['192.0.2.0/24'] }),
  ).toEqual({ mtu: 1400, persistentKeepalive: 0, prefixes: 3 });
});

it.each([
  ['no-answer', '127.0.0.1', () => (world.link.connected = false)],
  ['name-not-found', 'nowhere.example', () => undefined],
  ['cannot-send', '127.0.0.1', () => void world.link.refused.set('127.0.0.1', 'ENETUNREACH')],
  ['clock-behind', '127.0.0.1', () => ((world.link.connected = false), (world.wallOffset = 0))],
])('fails after its wait with %s', async (reason, host, fault) => {
  fault();
  const { tunnel, handshake } = await open(options(host, 8_000));
  let failure: unknown;
  handshake.catch((error: unknown) => (failure = error));
  await world.advance(7_900);
  expect(failure).toBeUndefined();
  await world.advance(100);
  expect(failure).toBeInstanceOf(UserError);
  expect(failure).toMatchObject({ kind: 'tunnel', reason });
  expect((failure as UserError).next.length).toBeGreaterThan(0);
  await tunnel.close();
});

it('refuses the client’s own key as that of the server', async () => {
  const own = world.ports.crypto.publicKey(CLIENT_KEY);
  const failure: unknown = await open(options('127.0.0.1', 0, own)).catch(
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(ArcConfigError);
  expect(failure).toMatchObject({
    kind: 'configuration',
    what: 'cannot use arc.json',
    why: "arcSessionStatus.arcServerPeerPublicKey: found the public key that belongs to privateKey, expected the server's public key",
  });
  expect(world.link.opened).toBe(1);
});
