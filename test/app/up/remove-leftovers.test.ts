import { removeKilledTunnel } from '../../../src/app/up/remove-leftovers.js';
import type { InterfaceLeftovers } from '../../../src/ports/packet-interfaces.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';

const KEY = new Uint8Array(32).fill(1);

let log: RecordingLog;
let names: (string | undefined)[];
let removed: string[];
let leftovers: InterfaceLeftovers;

beforeEach(() => {
  log = new RecordingLog();
  names = ['soratun0'];
  removed = [];
  leftovers = {
    isInUse: () => false,
    count: () => 0,
    remove: () => 0,
    kernelInterface: (key) => (key === KEY ? names.shift() : undefined),
    removeInterface: (name) => void removed.push(name),
  };
});

function remove(publicKey = KEY): Promise<void> {
  return removeKilledTunnel(publicKey, {
    log,
    interfaceLeftovers: () => Promise.resolve(leftovers),
  });
}

it('removes the interface of a killed tunnel with the same key, and logs its name', async () => {
  await remove();
  expect(removed).toEqual(['soratun0']);
  expect(log.lines).toMatchObject([{ level: 'info', fields: { interface: 'soratun0' } }]);
});

it('does nothing without such an interface, or on another operating system', async () => {
  await remove(new Uint8Array(32));
  await removeKilledTunnel(KEY, { log });
  expect(removed).toEqual([]);
});

it.each([
  ['EPERM', 'permission'],
  ['EBUSY', 'tunnel'],
])('does not open a second tunnel if the interface stays: %s', async (code, kind) => {
  leftovers.removeInterface = () => {
    throw Object.assign(new Error(code), { code });
  };
  await expect(remove()).rejects.toMatchObject({
    kind,
    why: expect.stringContaining(code) as string,
    next: [
      'Remove the interface: sudo ip link delete soratun0.',
      expect.stringContaining('--force'),
    ],
  });
});

it('does not fail on a system that does not list its interfaces', async () => {
  leftovers.kernelInterface = () => {
    throw new Error('EPROTONOSUPPORT');
  };
  await remove();
  expect(log.messages('debug')).toEqual([expect.stringContaining('cannot detect')]);
});
