import { chooseMode, type ModePorts } from '../../../src/app/up/choose-mode.js';
import { UserError } from '../../../src/lib/errors/user-error.js';
import type { InterfaceTunnel } from '../../../src/tunnel/interface/interface-tunnel.js';
import type { PacketInterfaceRefusal } from '../../../src/ports/packet-interfaces.js';

const DEVICE = { interfaceName: 'soratun0' } as InterfaceTunnel;
const KERNEL = { interfaceName: 'soratun0', mode: 'kernel' } as InterfaceTunnel;
let asked: string[];

beforeEach(() => {
  asked = [];
});

/** A system that permits an interface, except as given. */
function ports(
  given: {
    readonly obstacle?: PacketInterfaceRefusal;
    readonly refusal?: PacketInterfaceRefusal;
    readonly none?: true;
  } = {},
): ModePorts {
  return {
    interfaceObstacle: (name) => {
      asked.push(`obstacle ${name}`);
      return Promise.resolve(given.obstacle);
    },
    deviceTunnels: () => tunnels('tunnels', DEVICE),
    kernelTunnels: () => tunnels('kernel tunnels', KERNEL),
  };

  function tunnels(kind: string, device: InterfaceTunnel) {
    asked.push(kind);
    if (given.none) return Promise.resolve(undefined);
    return Promise.resolve({
      open: (name: string) => {
        asked.push(`open ${name}`);
        if (given.refusal === undefined) return Promise.resolve(device);
        return Promise.reject(Object.assign(new Error('refused'), { refusal: given.refusal }));
      },
    });
  }
}

const AUTO = { mode: 'auto', interfaceName: 'soratun0', source: 'arc.json' } as const;

it("uses the kernel's WireGuard only if requested, without checking for obstacles", async () => {
  expect(await chooseMode({ ...AUTO, mode: 'kernel' }, ports())).toEqual({ device: KERNEL });
  expect(asked).toEqual(['kernel tunnels', 'open soratun0']);
});

it('fails if the kernel does not support WireGuard, and says what to do', async () => {
  const refusing = ports({ refusal: 'no-wireguard' });
  await expect(chooseMode({ ...AUTO, mode: 'kernel' }, refusing)).rejects.toMatchObject({
    kind: 'failed',
    why: "this machine's kernel does not support WireGuard",
    next: [expect.stringContaining('modprobe wireguard'), expect.stringContaining('--mode=tun')],
  });
  await expect(chooseMode({ ...AUTO, mode: 'kernel' }, {})).rejects.toThrow(
    'kernel mode needs Linux',
  );
});

it.each<PacketInterfaceRefusal>(['no-driver', 'no-access', 'not-permitted', 'name-taken'])(
  'fails if an interface is requested and refused: %s',
  async (refusal) => {
    await expect(chooseMode({ ...AUTO, mode: 'tun' }, ports({ refusal }))).rejects.toThrow(
      UserError,
    );
  },
);

it('uses an interface by default if permitted, and logs it', async () => {
  const chosen = await chooseMode(AUTO, ports());
  expect(chosen).toEqual({ device: DEVICE, reason: 'a network interface is permitted' });
  expect(asked).toEqual(['obstacle soratun0', 'tunnels', 'open soratun0']);
});

it('uses userspace by default if a userspace-only flag is given', async () => {
  const chosen = await chooseMode({ ...AUTO, userspaceFlag: '--port' }, ports());
  expect(chosen).toEqual({});
  expect(asked).toEqual([]);
});

it.each<[PacketInterfaceRefusal, string]>([
  ['no-driver', '/dev/net/tun does not exist'],
  ['no-access', 'this user is not permitted to open /dev/net/tun'],
  ['not-permitted', 'a network interface requires CAP_NET_ADMIN'],
])(
  'falls back to userspace for %s, found before or during the attempt',
  async (refusal, reason) => {
    expect(await chooseMode(AUTO, ports({ obstacle: refusal }))).toEqual({ reason });
    expect(asked).toEqual(['obstacle soratun0']);
    expect(await chooseMode(AUTO, ports({ refusal }))).toEqual({ reason });
  },
);

it('reports why koffi does not load, for --mode tun', async () => {
  const absent = { ...ports({ none: true }), whyNoInterfaces: () => Promise.resolve('cut off') };
  await expect(chooseMode({ ...AUTO, mode: 'tun' }, absent)).rejects.toMatchObject({
    what: 'cannot create a network interface',
    why: 'tun mode needs Linux and koffi, but koffi cannot be loaded here (cut off)',
  });
  await expect(chooseMode({ ...AUTO, mode: 'tun' }, {})).rejects.toMatchObject({
    why: 'tun mode needs Linux and koffi, but koffi cannot be loaded here',
  });
});
