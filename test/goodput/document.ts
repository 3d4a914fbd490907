/** docs/explanation/tcp-goodput.md, from the measurements. */
import {
  ALGORITHMS,
  DIRECTIONS,
  type Goodput,
  LOSSES,
  measure,
  RATES,
  ROUND_TRIPS,
} from './goodput.js';

const HEAD = `# TCP goodput

Goodput of one stream between two arctun stacks in virtual time, in Mbit/s. In parentheses: the share of sent bytes that was sent
more than once. The bottleneck has a queue of 50 ms. Each packet is lost with the same chance in both directions, including ACKs. The
start is included: 2.5 MB are sent at 10 Mbit/s, 8 MB at 100. _Up_ is sent by the side that opened the connection.

The figures depend only on a seed and are the same on every machine. \`npm run harness goodput\` writes this page. A test fails if it is out of
date, so a review shows each change. [Performance](performance.md) compares real paths with Linux.
`;

const OTHERS = `## Limits of other userspace stacks

A stream can send at most one window in each round trip, however fast the path is. At a round trip of 50 ms:

${format([
  ['stack', 'largest receive window', 'Mbit/s at most', 'source of the window'],
  ['lwIP in tcpip.js', '5,840 bytes, not scaled', '0.93', '`TCP_WND` of its `lwipopts.h`'],
  ['smoltcp 0.12 in onetun', '65,535 bytes', '10.5', "the buffers of onetun's sockets"],
  ['gVisor in wireguard-go', '4 MiB', '671', "gVisor's default"],
  ['gVisor in Tailscale', '8 MiB', '1342', "the maximum that Tailscale's netstack sets"],
  ['arctun', '8 MiB', '1342', '`src/netstack/limits.ts`'],
])}
\`test/netstack/simulation/window-limits.test.ts\` checks that arctun reaches more than 95 % of this at 10 Gbit/s, with BBR and with
CUBIC; a short run uses smaller buffers. The other figures are computed.
`;

/** The whole page. */
export function goodputDocument(): string {
  const sections = RATES.map((rate) => `## ${rate} Mbit/s\n\n${table(rate)}`);
  return [HEAD, ...sections, OTHERS].join('\n');
}

function table(rate: (typeof RATES)[number]): string {
  const columns = ALGORITHMS.flatMap((name) => DIRECTIONS.map((way) => `${name} ${way}`));
  const rows = ROUND_TRIPS.flatMap((roundTrip) =>
    LOSSES.map((loss) => goodputRow(rate, roundTrip, loss)),
  );
  return format([['RTT', 'loss', ...columns], ...rows]);
}

/** The cells of one row: a line, and the goodput of each algorithm in each direction. */
export function goodputRow(
  rate: (typeof RATES)[number],
  roundTrip: (typeof ROUND_TRIPS)[number],
  loss: (typeof LOSSES)[number],
): string[] {
  const cells = ALGORITHMS.flatMap((congestion) =>
    DIRECTIONS.map((direction) => cell(measure({ congestion, rate, roundTrip, loss, direction }))),
  );
  return [`${roundTrip} ms`, `${loss * 100} %`, ...cells];
}

function cell({ rate, repeated }: Goodput): string {
  return `${rate.toFixed(2)} (${(repeated * 100).toFixed(1)} %)`;
}

/** A Markdown table as formatted by Prettier. */
function format(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((text, column) => text.padEnd(widths[column]!)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  const [head, ...body] = rows.map(line);
  return `${[head, rule, ...body].join('\n')}\n`;
}
