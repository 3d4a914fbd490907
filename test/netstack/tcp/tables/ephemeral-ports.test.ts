import { EphemeralPorts } from '../../../../src/netstack/tcp/tables/ephemeral-ports.js';
import { ip, patternBytes } from '../../../support/pairs/netstack-pair.js';

const LOCAL = ip('10.0.0.1');
const REMOTE = { address: ip('10.0.0.2'), port: 80 };

it('returns each port of the range once, then none (RFC 6056 3.3.3, RFC 6056 3.2, RFC 6056 3.2b)', () => {
  const ports = new EphemeralPorts(patternBytes(16), 123_456);
  const taken = new Set<number>();
  for (;;) {
    const port = ports.select(LOCAL, REMOTE, (candidate) => !taken.has(candidate));
    if (port === undefined) break;
    taken.add(port);
  }
  expect(taken.size).toBe(32_768);
  expect(Math.min(...taken)).toBe(32_768);
  expect(Math.max(...taken)).toBe(65_535);
});

it('counts up from the given integer, and wraps at the end of the range (RFC 6056 3.3.3)', () => {
  const any = () => true;
  const first = (start: number): number =>
    new EphemeralPorts(patternBytes(16), start).select(LOCAL, REMOTE, any)!;
  const next = (port: number): number => (port === 65_535 ? 32_768 : port + 1);
  expect(first(1)).toBe(next(first(0)));
  expect(first(32_768)).toBe(first(0));
  expect(first(2 ** 32 - 1)).toBe(first(32_767));
  const ports = new EphemeralPorts(patternBytes(16), 5);
  let last = ports.select(LOCAL, REMOTE, any)!;
  for (let count = 0; count < 32_768; count++) {
    const port = ports.select(LOCAL, REMOTE, any)!;
    if (port !== next(last)) throw new Error(`${port} follows ${last}`);
    last = port;
  }
});
