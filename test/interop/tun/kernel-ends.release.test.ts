/**
 * How `up --mode kernel` ends, what then still blocks traffic, and what it counts until then, in a
 * machine with Debian's kernel, against wireguard-go.
 */
import { TOOLS } from '../../support/kernel-peer/arctun-machine.js';
import { INTERFACE, KERNEL_LAB, KernelLab, SLOW } from '../../support/kernel-peer/kernel-lab.js';
import { describeWith } from '../../support/runner/requirements.js';
import { LISTEN_PORT, SERVICE } from '../../support/foreign/wireguard-go-server.js';

const DEFAULT = { allowedIps: ['100.127.0.0/16', '0.0.0.0/0'] };
/** Routed into the tunnel only by the default route. */
const OUTSIDE = '198.51.100.1';

/** The lengths of messages. A ping of 84 bytes is padded to 96. */
const LENGTHS = { initiation: 148, response: 92, keepalive: 32, ping: 128 } as const;
type Message = keyof typeof LENGTHS;

interface ShownPeer {
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

describeWith(KERNEL_LAB, "the end of a tunnel with the kernel's WireGuard", () => {
  let lab: KernelLab;

  beforeAll(async () => {
    lab = await KernelLab.start();
  }, SLOW);
  afterEach(() => lab.clean(), SLOW);
  afterAll(() => lab.close());

  const removeInterface = () => lab.ip(`link delete ${INTERFACE}`);
  const connectTo = (address: string) => lab.run(`wget -T 5 -O - http://${address}/ 2>&1 || true`);

  /** Also checks that no packet leaves the machine outside the tunnel. */
  async function expectBlocked(address: string): Promise<void> {
    expect(await connectTo(address)).toContain('No route to host');
    expect(lab.server.wire?.report()).toMatchObject({ strays: 0 });
  }

  it(
    'sends nothing unencrypted after SIGKILL, and the next process takes over the guards and removes them',
    async () => {
      await lab.configure({});
      await lab.up();
      await lab.kill();
      await lab.ping();
      await removeInterface();
      await expectBlocked(SERVICE);
      // Any gap between two guards would be visible here.
      await lab.run(`${TOOLS}/ip monitor route >/tmp/monitor & echo $! >/tmp/monitor.pid`);
      await lab.up();
      await lab.ping();
      await lab.run('kill $(cat /tmp/monitor.pid)');
      const seen = await lab.run('cat /tmp/monitor');
      expect(seen).toContain(`100.127.0.0/16 dev ${INTERFACE}`);
      expect(seen).not.toContain('Deleted unreachable');
      await lab.stop();
    },
    SLOW,
  );

  it(
    'blocks a default route with --kill-switch after SIGKILL and after a failure, until the user stops it',
    async () => {
      await lab.configure(DEFAULT);
      await lab.up('--kill-switch');
      await lab.kill();
      // The interface still works.
      await lab.ping();
      expect(await lab.ip(`route get ${OUTSIDE}`)).toContain(`dev ${INTERFACE}`);
      await removeInterface();
      await expectBlocked(OUTSIDE);
      await lab.up('--kill-switch');
      await lab.ping();
      await removeInterface();
      expect(await lab.ended()).toMatchObject({ code: 5 });
      await expectBlocked(OUTSIDE);
      await lab.up('--kill-switch');
      await lab.stop();
    },
    SLOW,
  );

  it(
    'leaves nothing after --cleanup, which refuses while the interface exists',
    async () => {
      await lab.configure(DEFAULT);
      await lab.up('--kill-switch');
      await lab.kill();
      const cleanup = 'arctun up --cleanup --config /tmp/arc.json 2>&1';
      const refusal = await lab.run(`${cleanup}; [ $? = 1 ]`);
      expect(refusal).toContain(`the network interface ${INTERFACE} still exists`);
      await removeInterface();
      // Guards for the two allowed IPs, and two rules.
      expect(await lab.run(cleanup)).toContain('Removed 4 routes and rules');
      await lab.expectNothingLeft();
    },
    SLOW,
  );

  it(
    'leaves nothing if a command hangs and the user interrupts',
    async () => {
      await lab.configure(DEFAULT, { postUp: [['sh', '-c', 'tail -f /dev/null & wait']] });
      await lab.begin('kernel');
      await lab.until('grep "executing PostUp(0)" /tmp/up.log && pidof tail');
      await lab.run('killall -TERM node');
      expect(await lab.ended()).toMatchObject({ code: 0 });
      await lab.expectNothingLeft();
      expect(await lab.run('pidof tail || true')).toBe('');
    },
    SLOW,
  );

  it(
    'is a usage error for flags that need the packets',
    async () => {
      await lab.configure({});
      for (const [flag, value] of [
        ['--capture', '/tmp/packets.pcapng'],
        ['--spool', '/tmp/spool'],
        ['--proxy-listen', '127.0.0.1:1080'],
      ] as const) {
        await expect(lab.up(flag, value)).rejects.toThrow(`cannot use ${flag} with --mode`);
        expect(await lab.ended()).toMatchObject({ code: 2 });
      }
      expect(await lab.run('ls /tmp')).not.toMatch(/pcapng|spool/);
      await lab.expectNothingLeft();
    },
    SLOW,
  );

  it(
    'counts ten pings to the byte, at both ends and in arctun’s status',
    async () => {
      const count = countMessages();
      const before = lab.server.transfer();
      await lab.configure({});
      await lab.up('--persistent-keepalive', '0');
      await lab.run(`ping -c 10 -i 0.2 ${SERVICE} | grep ' 0% packet loss'`);
      const { ours, theirs, shown, seen } = await settled(async () => {
        const status = await lab.run('arctun status --json --config /tmp/arc.json');
        const [, received, sent] = (await lab.run(`wg show ${INTERFACE} transfer`)).split('\t');
        const [{ peers }] = JSON.parse(status) as [{ readonly peers: readonly [ShownPeer] }];
        const { sentBytes, receivedBytes } = peers[0];
        const end = lab.server.transfer();
        return {
          ours: { sent: Number(sent), received: Number(received) },
          theirs: { sent: end.sent - before.sent, received: end.received - before.received },
          shown: { sent: sentBytes, received: receivedBytes },
          seen: count(),
        };
      });
      expect([seen.in.ping, seen.out.ping]).toEqual([10, 10]);
      expect(ours).toEqual({ sent: bytesOf(seen.in), received: bytesOf(seen.out) });
      expect(theirs).toEqual({ sent: ours.received, received: ours.sent });
      expect(shown).toEqual(ours);
      await lab.stop();
    },
    SLOW,
  );

  /** Reads until nothing has been sent between two readings, such as a keepalive. */
  async function settled<Reading>(read: () => Promise<Reading>): Promise<Reading> {
    let last = await read();
    for (;;) {
      const next = await read();
      if (JSON.stringify(next) === JSON.stringify(last)) return next;
      last = next;
    }
  }

  /** Counts the messages that arrive at the server, and those that it sends. */
  function countMessages(): () => Record<'in' | 'out', Record<Message, number>> {
    const names = Object.keys(LENGTHS) as Message[];
    const nft = (...words: readonly string[]) => lab.onServer('nft', words.join(' '));
    nft('add table inet counted');
    for (const [side, hook, port] of [
      ['in', 'input', 'dport'],
      ['out', 'output', 'sport'],
    ] as const) {
      nft(`add chain inet counted ${side} { type filter hook ${hook} priority -10; }`);
      for (const name of names) {
        const length = LENGTHS[name] + 8;
        nft(`add counter inet counted ${side}_${name}`);
        nft(
          `add rule inet counted ${side} udp ${port} ${LISTEN_PORT} udp length ${length}`,
          `counter name ${side}_${name}`,
        );
      }
    }
    return () => {
      const listing = nft('list counters table inet counted');
      const of = (side: 'in' | 'out') =>
        Object.fromEntries(
          names.map((name) => {
            const found = new RegExp(`counter ${side}_${name} \\{\\s*packets (\\d+)`).exec(listing);
            return [name, Number(found?.[1])];
          }),
        ) as Record<Message, number>;
      return { in: of('in'), out: of('out') };
    };
  }
});

function bytesOf(messages: Readonly<Record<Message, number>>): number {
  const names = Object.keys(LENGTHS) as Message[];
  return names.reduce((sum, name) => sum + messages[name] * LENGTHS[name], 0);
}
