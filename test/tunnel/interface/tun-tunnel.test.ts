/** Tun mode on a fake interface and a fake network: the order of the changes. */
import { createNodeCrypto } from '../../../src/crypto/node.js';
import type { LocalBinding } from '../../../src/ports/datagram-sockets.js';
import type {
  InterfaceSettings,
  PacketInterface,
  PacketInterfaces,
} from '../../../src/ports/packet-interfaces.js';
import { TunTunnel } from '../../../src/tunnel/interface/tun-tunnel.js';
import { formatIpAddress } from '../../../src/wire/ip-address.js';
import { serverOf, TunnelInMemory } from '../../support/pairs/tunnel-in-memory.js';
import { until } from '../../support/until.js';

const MARK = 11_010;
const OTHER_CLIENT = '10.0.0.9';
const DEFAULT = { allowedIps: ['0.0.0.0/0'] };

let world: TunnelInMemory;
let tunnel: TunTunnel;
/** The calls made to the interface, and the marks of the sockets opened meanwhile. */
let events: string[];
let refusal: Error | undefined;

function markOf({ routes }: Pick<InterfaceSettings, 'routes'>): number {
  return routes.some(({ prefixLength }) => prefixLength === 0) ? MARK : 0;
}

const device: PacketInterface = {
  name: 'arc',
  setReading: () => undefined,
  onFrames: () => undefined,
  onGone: () => undefined,
  write: () => undefined,
  close: () => events.push('close'),
};

const devices: PacketInterfaces = {
  open: () => device,
  configure(_device, settings) {
    let fwmark = markOf(settings);
    return {
      get fwmark() {
        return fwmark;
      },
      plan: (changed) => ({
        fwmark: markOf(changed),
        apply: () => {
          if (refusal !== undefined) throw refusal;
          fwmark = markOf(changed);
          events.push(`apply ${changed.addresses.map(formatIpAddress).join()}`);
        },
      }),
      undo: () => events.push('undo'),
    };
  },
};

beforeEach(async () => {
  world = new TunnelInMemory(createNodeCrypto());
  events = [];
  refusal = undefined;
  await world.openNetwork();
  const sockets = {
    open: (binding: LocalBinding) => {
      events.push(`socket ${binding.fwmark}`);
      return world.link.open(binding);
    },
  };
  tunnel = await TunTunnel.open(world.config(), { ...world.ports, sockets }, devices, device);
  await world.settle();
  await tunnel.waitForHandshake(world.clock.now());
  events.length = 0;
});
afterEach(async () => {
  await tunnel.close();
  await world.network.close();
  await world.settle();
  expect(world.clock.armed).toBe(0);
  expect(world.link.openSockets).toBe(0);
});

const fwmark = async () => (await tunnel.status()).fwmark;

it('marks its datagrams from before the default route exists until it is removed', async () => {
  await tunnel.reconfigure(world.config({ ...DEFAULT, address: OTHER_CLIENT }));
  expect(events).toEqual([`socket ${MARK}`, `apply ${OTHER_CLIENT}`]);
  expect(await fwmark()).toBe(MARK);
  await tunnel.reconfigure(world.config());
  expect(events.slice(2)).toEqual(['apply 10.0.0.2', 'socket 0']);
  expect(await fwmark()).toBe(0);
});

it('keeps a mark that the user has set if the routes do not need another', async () => {
  await tunnel.converse().handle('set=1\nfwmark=77\n\n');
  await tunnel.reconfigure(world.config({ address: OTHER_CLIENT }));
  expect(await fwmark()).toBe(77);
});

it('closes the device if the system refuses addresses or routes at the start', async () => {
  const timers = world.clock.armed;
  const refusing: PacketInterfaces = {
    ...devices,
    configure: () => {
      throw new Error('address 10.0.0.2/32: EPERM');
    },
  };
  const opening = TunTunnel.open(world.config(), world.ports, refusing, device);
  await expect(opening).rejects.toThrow('address 10.0.0.2/32: EPERM');
  // No descriptor of /dev/net/tun, socket or timer is left open.
  expect(events).toEqual(['close']);
  expect(world.clock.armed).toBe(timers);
  expect(world.link.openSockets).toBe(2);
});

it('switches to another server after the interface is changed', async () => {
  const other = await world.openAnother({});
  await tunnel.reconfigure(world.config({ server: serverOf(other), address: OTHER_CLIENT }));
  expect(events).toEqual([`apply ${OTHER_CLIENT}`]);
  await world.settle();
  await tunnel.waitForHandshake(world.clock.now());
  expect(await tunnel.status()).toMatchObject({
    addresses: [OTHER_CLIENT],
    interface: 'arc',
    peers: [{ endpoint: `127.0.0.1:${other.endpoint.port}` }],
  });
  await other.close();
});

it('changes nothing if the interface refuses', async () => {
  const other = await world.openAnother({});
  refusal = Object.assign(new Error('route'), { code: 'EEXIST' });
  const config = world.config({ ...DEFAULT, server: serverOf(other), address: OTHER_CLIENT });
  await expect(tunnel.reconfigure(config)).rejects.toBe(refusal);
  expect(await fwmark()).toBe(0);
  expect(await tunnel.status()).toMatchObject({
    addresses: ['10.0.0.2'],
    peers: [{ endpoint: `127.0.0.1:${world.server.port}`, allowedIps: ['100.127.0.0/16'] }],
  });
  await tunnel.waitForHandshake(world.clock.now());
  await other.close();
});

it('applies no further changes when it closes', async () => {
  const reconfigured = tunnel.reconfigure(world.config({ ...DEFAULT, address: OTHER_CLIENT }));
  const closed = tunnel.close();
  await expect(reconfigured).rejects.toMatchObject({ reason: 'closing' });
  await closed;
  expect(events).toEqual(['undo', 'close']);
});

it('applies no further changes if it closes while its socket gets the mark', async () => {
  const reconfigured = tunnel.reconfigure(world.config(DEFAULT));
  await until(() => events.length > 0, { turn: () => Promise.resolve() });
  const closed = tunnel.close();
  await expect(reconfigured).rejects.toMatchObject({ reason: 'closing' });
  await closed;
  expect(events).toEqual([`socket ${MARK}`, 'undo', 'close']);
});
