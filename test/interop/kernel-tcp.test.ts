/**
 * Linux as the judge of our TCP: the kernel's TCP behind wireguard-go is the other end. In a
 * capture at its side, tshark must find only what it finds between two kernels on the same path.
 */
import { join } from 'node:path';

import { type Client, type ExchangePlan, KernelTcpLab } from '../support/foreign/kernel-tcp-lab.js';
import { describeWith } from '../support/runner/requirements.js';
import { analyseTcp, type Kind, tshark } from '../support/foreign/tcp-analysis.js';
import { CLIENT_INSIDE, SERVICE } from '../support/foreign/wireguard-go-server.js';
import { atLength } from '../support/runner/tier.js';

const PEERS = ['root', 'wireguard-go', 'wg', 'ip', 'ethtool', 'ping', 'tshark'] as const;
const CLIENTS: readonly Client[] = [
  { stack: 'ours', congestion: 'bbr' },
  ...atLength<Client[]>({ short: [], long: [{ stack: 'ours', congestion: 'cubic' }] }),
];
const KERNEL: Client = { stack: 'kernel' };

/** Each side opens, and each side sends first. */
const PLANS: readonly Omit<ExchangePlan, 'length'>[] = [
  { port: 5001, opener: 'client', first: 'client' },
  { port: 5002, opener: 'client', first: 'server' },
  { port: 5003, opener: 'server', first: 'client' },
  { port: 5004, opener: 'server', first: 'server' },
];

/** One segment: errors in the timers show up if no later segment helps. */
const SHORT = 1_000;

/** How full a window gets depends on how fast the reader runs, with both stacks. */
const OF_THE_READER: readonly Kind[] = ['window_full', 'window_update'];

/**
 * Linux shows them whenever packets are lost or reordered; which ones occur in a short run is
 * random.
 */
const OF_THE_PATH: readonly Kind[] = [
  ...(['retransmission', 'fast_retransmission', 'spurious_retransmission'] as const),
  ...(['out_of_order', 'lost_segment', 'duplicate_ack'] as const),
];

/**
 * A machine that stops for longer than a TCP timer makes it expire, and a reader that stops closes
 * a window, with both stacks: such a run is repeated. An error of ours would occur each time.
 */
const ATTEMPTS = 5;

const NAMES = new Map([
  [CLIENT_INSIDE, 'client'],
  [SERVICE, 'server'],
]);

const SCENES = [
  {
    name: 'a path that loses nothing',
    // The round trip is long compared to the delays of a busy machine, and the queue never
    // overflows.
    path: { rate: 40, delay: 40, queue: 10_000, loss: 0, reorder: 0, seed: 1 },
    length: 1_000_000,
    allowed: OF_THE_READER,
  },
  {
    name: 'a path that loses and reorders',
    path: { rate: 40, delay: 20, queue: 10_000, loss: 0.01, reorder: 0.02, seed: 1 },
    length: 500_000,
    allowed: [...OF_THE_READER, ...OF_THE_PATH],
  },
] as const;

describeWith(PEERS, "the kernel's TCP behind wireguard-go", () => {
  let lab: KernelTcpLab;
  /** A capture of two kernels on the path that loses nothing. */
  let lossless: string | undefined;
  beforeAll(async () => {
    lab = new KernelTcpLab();
    await lab.start();
  }, 60_000);
  afterAll(() => lab.close());

  describe.each(SCENES.slice(0, atLength({ short: 1, long: 2 })))(
    'on $name',
    ({ path, length, allowed }) => {
      const plans = PLANS.flatMap((plan) => [
        { ...plan, length },
        { ...plan, port: plan.port + 10, length: SHORT },
      ]);
      let linux: readonly string[];

      /** The kinds in a run's capture that are not `allowed`, each with its sender. */
      async function run(client: Client): Promise<{ file: string; findings: string[] }> {
        const file = await lab.exchange(client, path, plans);
        const findings = [...analyseTcp(file)].flatMap(([sender, { segments, flags }]) => {
          // All of the data arrived; segments that wireguard-go joined count once.
          expect(segments).toBeGreaterThan((PLANS.length * length) / 65_536);
          return [...flags.keys()]
            .filter((kind) => !allowed.some((one) => one === kind))
            .map((kind) => `${NAMES.get(sender)}: ${kind}`);
        });
        expect(findings.filter((finding) => finding.startsWith('undefined'))).toEqual([]);
        return { file, findings };
      }

      beforeAll(async () => {
        const { file, findings } = await run(KERNEL);
        linux = findings;
        lossless ??= file;
      }, 60_000);

      it.each(CLIENTS)(
        'behaves as Linux does in both directions and with both openers, with $congestion',
        async (client) => {
          for (let attempt = 1; ; attempt++) {
            const { findings } = await run(client);
            const ours = findings.filter((finding) => !linux.includes(finding));
            if (ours.length > 0 && attempt < ATTEMPTS) continue;
            expect(ours).toEqual([]);
            break;
          }
        },
        120_000,
      );
    },
  );

  it('reports what a capture lacks (control)', () => {
    const seen = (file: string) =>
      analyseTcp(file).get(CLIENT_INSIDE)!.flags.has('ack_lost_segment');
    const whole = lossless!;
    expect(seen(whole)).toBe(false);
    const broken = join(lab.server.folder, 'broken.pcapng');
    const text = `tcp.len > 0 && ip.src == ${SERVICE} && tcp.stream == 0`;
    const frames = tshark('-r', whole, '-Y', text, '-T', 'fields', '-e', 'frame.number');
    const cut = frames.split('\n')[20]!;
    tshark('-r', whole, '-Y', `frame.number != ${cut}`, '-w', broken);
    expect(seen(broken)).toBe(true);
  });
});
