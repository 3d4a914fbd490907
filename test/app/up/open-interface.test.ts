import { openInterface } from '../../../src/app/up/open-interface.js';
import { UserError } from '../../../src/lib/errors/user-error.js';
import type {
  InterfaceTunnel,
  InterfaceTunnels,
} from '../../../src/tunnel/interface/interface-tunnel.js';
import type { PacketInterfaceRefusal } from '../../../src/ports/packet-interfaces.js';

function tunnels(outcome: InterfaceTunnel | Error): InterfaceTunnels {
  return {
    open: () => (outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome)),
  };
}

async function failure(from: InterfaceTunnels): Promise<UserError> {
  const error: unknown = await openInterface(from, 'soratun0', 'site.json').catch(
    (caught: unknown) => caught,
  );
  if (error instanceof UserError) return error;
  throw new Error('nothing was refused', { cause: error });
}

it.each<[PacketInterfaceRefusal, UserError['kind'], string, string]>([
  ['not-permitted', 'permission', 'CAP_NET_ADMIN', 'setcap cap_net_admin+ep'],
  [
    'no-access',
    'permission',
    'this user is not permitted to open /dev/net/tun',
    '--mode=userspace',
  ],
  ['no-driver', 'failed', '/dev/net/tun does not exist', 'modprobe tun'],
  [
    'name-taken',
    'failed',
    'an interface with this name already exists',
    'another interface name in site.json',
  ],
  ['bad-name', 'configuration', 'the name is not a valid interface name', 'In site.json, set'],
  ['failed', 'failed', 'EMFILE', '--mode=userspace'],
])('explains what to do about %s', async (refusal, kind, why, next) => {
  const cause = Object.assign(new Error('ioctl EMFILE'), { refusal });
  const error = await failure(tunnels(cause));
  expect(error.kind).toBe(kind);
  expect(error.what).toBe('cannot create the network interface soratun0');
  expect(error.why).toContain(why);
  expect(error.next.join('\n')).toContain(next);
  expect(error.cause).toBe(cause);
});

it('suggests a tun device made in advance only for tun mode', async () => {
  const cause = Object.assign(new Error('EPERM'), { refusal: 'not-permitted' });
  const next = async (mode: 'tun' | 'kernel') => {
    const opening = openInterface(tunnels(cause), 'soratun0', 'arc.json', mode);
    return ((await opening.catch((error: unknown) => error)) as UserError).next.join('\n');
  };
  expect(await next('tun')).toContain('ip tuntap add');
  expect(await next('kernel')).not.toContain('tuntap');
});
