/**
 * iperf3 through our network interface: the kernel's TCP and UDP at both ends, both address
 * families.
 */
import { setTimeout as pause } from 'node:timers/promises';

import { describeWith, TUN_MODE } from '../../support/runner/requirements.js';
import {
  INSIDE_IPV6,
  inSpace,
  WireGuardGoServer,
} from '../../support/foreign/wireguard-go-server.js';

const NEEDS = [...TUN_MODE, 'iperf3'] as const;

/** iperf3 busy-waits for its turn; other tests that run in parallel have their own timing. */
const NICE = ['nice', '-n', '19'] as const;

/**
 * iperf3's server accepts one client at a time: the next one is reset until the previous one has
 * ended.
 */
const BUSY = /unable to (connect to server|receive control message)|busy/;
const ATTEMPTS = 10;
/** Milliseconds. */
const PAUSE = 500;

/**
 * iperf3 counts what the sender has written and what the receiver has read when the sender ends.
 * The difference lies in the sockets' buffers, which hold at most 128 KiB of a stream with this
 * window (socket(7): the kernel doubles SO_SNDBUF and SO_RCVBUF).
 */
const TCP = ['--bytes', '8M', '--window', '32K'];

interface Report {
  readonly error?: string;
  readonly end: {
    readonly sum_sent?: { readonly bytes: number };
    readonly sum_received?: { readonly bytes: number };
    readonly streams: readonly unknown[];
  };
}

describeWith(NEEDS, 'iperf3 through a network interface', () => {
  let server: WireGuardGoServer;

  afterEach(() => server.close());

  async function runClient(run: string[]): Promise<{ code: number | null; report: Report }> {
    for (let attempt = 1; ; attempt++) {
      const { code, stdout } = await server.processes.run([...inSpace(server.clientSpace), ...run]);
      const report = JSON.parse(stdout) as Report;
      if (attempt === ATTEMPTS || !BUSY.test(report.error ?? '')) return { code, report };
      await pause(PAUSE);
    }
  }

  it.each([
    ['IPv4', undefined],
    ['IPv6', INSIDE_IPV6],
  ])(
    'carries TCP and UDP, one stream and ten, in each direction, %s',
    async (_family, inside) => {
      server = new WireGuardGoServer(inside);
      await server.startWireGuard();
      const { service } = server.inside;
      const listener = server.processes.start([
        ...inSpace(server.serverSpace),
        ...[...NICE, 'iperf3', '--server', '--bind', service, '--forceflush'],
      ]);
      let number = 0;
      // The server accepts the next client only after it has finished with the previous one.
      const isReady = () => listener.output(new RegExp(`\\(test #${++number}\\)`));
      const running = server.arctun('up', '--mode', 'tun', '--json');
      await running.output(/"mode":"tun"/);
      const client = [...NICE, 'iperf3', '--client', service, '--json'];
      for (const streams of ['1', '10']) {
        // For each stream.
        const rate = streams === '1' ? '20M' : '2M';
        for (const kind of [
          TCP,
          ['--bytes', '2M', '--udp', '--bitrate', rate, '--length', '1300'],
        ]) {
          for (const direction of [[], ['--reverse']]) {
            const run = [...client, '--parallel', streams, ...kind, ...direction];
            await isReady();
            const { code, report } = await runClient(run);
            expect({ run, code, error: report.error }).toEqual({ run, code: 0, error: undefined });
            expect(report.end.streams).toHaveLength(Number(streams));
            const { sum_sent: sent, sum_received: received } = report.end;
            expect(sent?.bytes).toBeGreaterThanOrEqual(kind === TCP ? 8_000_000 : 2_000_000);
            // UDP may lose some on a busy machine.
            expect(received?.bytes).toBeGreaterThan(kind === TCP ? 4_000_000 : 0);
          }
        }
      }
      running.kill('SIGTERM');
      await expect(running.finished).resolves.toMatchObject({ code: 0 });
    },
    180_000,
  );
});
