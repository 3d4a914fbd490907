import { openDevice } from '../../src/app/open-device.js';
import { UserError } from '../../src/lib/user-error.js';
import type { PacketDevice, PacketDeviceRefusal, PacketDevices } from '../../src/tunnel/ports.js';

function devices(outcome: PacketDevice | Error): PacketDevices {
  return {
    open: () => {
      if (outcome instanceof Error) throw outcome;
      return outcome;
    },
    configure: () => {
      throw new Error('not asked for');
    },
  };
}

function failure(from: PacketDevices | undefined): UserError {
  try {
    openDevice(from, 'soratun0');
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

it('gives the device', () => {
  const device = { name: 'soratun0' } as PacketDevice;
  expect(openDevice(devices(device), 'soratun0')).toBe(device);
});

it('says that there are none here', () => {
  expect(failure(undefined)).toMatchObject({
    kind: 'failed',
    why: expect.stringContaining('needs Linux') as string,
    next: [expect.stringContaining('--mode userspace')],
  });
});

it.each<[PacketDeviceRefusal, UserError['kind'], string, string]>([
  ['not-permitted', 'permission', 'CAP_NET_ADMIN', 'setcap cap_net_admin+ep'],
  ['no-access', 'permission', '/dev/net/tun may not be opened', '--mode userspace'],
  ['no-driver', 'failed', 'no /dev/net/tun', 'modprobe tun'],
  ['name-taken', 'failed', 'another interface', 'interface in arc.json'],
  ['bad-name', 'configuration', 'no interface can have', '15 letters'],
  ['failed', 'failed', 'EMFILE', '--mode userspace'],
])('says what to do about %s', (refusal, kind, why, next) => {
  const cause = Object.assign(new Error('ioctl EMFILE'), { refusal });
  const error = failure(devices(cause));
  expect(error.kind).toBe(kind);
  expect(error.what).toBe('cannot make the network interface soratun0');
  expect(error.why).toContain(why);
  expect(error.next.join('\n')).toContain(next);
  expect(error.cause).toBe(cause);
});

it('does not take a fault for a refusal', () => {
  const fault = new TypeError('a bug');
  expect(() => openDevice(devices(fault), '')).toThrow(fault);
});
