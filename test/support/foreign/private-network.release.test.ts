/** The counters of a private network, and the programs that they see. */
import { describeWith } from '../runner/requirements.js';
import { nodeFunction } from '../lambda/apis/runtimes.js';
import { LambdaSandbox } from '../lambda/sandbox.js';
import { startEmulatorProcess } from '../emulator-process.js';
import { Processes } from '../processes.js';
import { until } from '../until.js';
import { leak } from './leaks.js';
import { acceptDatagrams, PrivateNetwork } from './private-network.js';

const NEEDS = ['root', 'linux', 'koffi', 'ip', 'nft', 'ethtool', 'setpriv', 'bash'] as const;
const INNER = '100.127.69.42';

describeWith(NEEDS, 'a private network', () => {
  const processes = new Processes();
  let network: PrivateNetwork;

  beforeEach(async () => {
    network = (await PrivateNetwork.enter())!;
  });
  // A failed test has not left its network, in which the next tests would also run.
  afterEach(() => network.discard());
  afterAll(() => processes.close());

  const strays = () => network.wire.report().strays;

  it('accepts TCP and WireGuard between programs of this machine', async () => {
    const emulator = await startEmulatorProcess(processes);
    expect(await emulator.calls()).toEqual([]);
    const [address, port] = emulator.arc.split(':');
    await leak(processes, [], { wireguard: `${address} ${port}` });
    // The kernel answers this message, because the port is closed.
    await leak(processes, [], { wireguard: '127.0.0.1 9' });
    await until(() => network.wire.report().unreachable > 0);
    expect(network.wire.report()).toMatchObject({ wireguard: 2, strays: 0 });
    expect(() => network.leave()).not.toThrow();
  }, 60_000);

  it.each([
    ['a query to a name server', { udp: '198.51.100.53 53' }, /: 198\.51\.100\.53 udp 53$/],
    ['a query to a local name server', { udp: '127.0.0.53 53' }, /: 127\.0\.0\.53 udp 53$/],
    ['a connection to an inner address', { tcp: `${INNER} 80` }, /: 100\.127\.69\.42 tcp 80$/],
    ['WireGuard to another machine', { wireguard: '192.0.2.1 11010' }, /192\.0\.2\.1 udp 11010$/],
    ['a packet over IPv6', { udp: '2001:db8:1::1 53' }, /: 2001:db8:1::1 udp 53$/],
  ])(
    'fails a test after %s',
    async (_name, packet, message) => {
      await leak(processes, [], packet);
      await until(() => strays() > 0);
      expect(() => network.leave()).toThrow(message);
    },
    60_000,
  );

  it('accepts UDP to a local port only if the test expects it', async () => {
    acceptDatagrams(5353);
    await leak(processes, [], { udp: '127.0.0.1 5353' });
    // The kernel answers, because the port is closed.
    await until(() => network.wire.report().unreachable > 0);
    expect(strays()).toBe(0);
    await leak(processes, [], { udp: '127.0.0.1 5354' });
    await until(() => strays() > 0);
    expect(() => network.leave()).toThrow(': 127.0.0.1 udp 5354');
  }, 60_000);

  it('sees the processes of a Lambda sandbox', async () => {
    const script = `echo query >/dev/udp/${INNER}/53; echo sent; exec sleep 600`;
    const sandbox = await LambdaSandbox.start({
      ...nodeFunction('echo'),
      runtime: { command: 'bash', args: ['-c', script] },
    });
    try {
      await sandbox.said('runtime', /sent/);
      await until(() => strays() > 0);
    } finally {
      await sandbox.close();
    }
    expect(() => network.leave()).toThrow(`: ${INNER} udp 53`);
  }, 60_000);

  it('is left by this process, whose next programs are in its first network again', async () => {
    const namespaceOf = async () => (await processes.run(['readlink', '/proc/self/ns/net'])).stdout;
    const inside = await namespaceOf();
    network.leave();
    expect(await namespaceOf()).not.toBe(inside);
  });
});
