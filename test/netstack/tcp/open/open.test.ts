import { DEFAULT_LIMITS, type StackLimits } from '../../../../src/netstack/limits.js';
import {
  Open,
  type OpenHost,
  StackExhaustedError,
} from '../../../../src/netstack/tcp/open/open.js';
import type { Tcb } from '../../../../src/netstack/tcp/tcb.js';
import type { SocketAddress } from '../../../../src/wire/ip-address.js';
import { seededEntropy } from '../../../support/pairs/netstack-pair.js';
import { OUR_V4, PEER_V4 } from '../../packets.js';
import { loneTcb, NotingHost, NOW } from '../lone-tcb.js';

const LOCAL_INDEX = 3;
const ANY_PORT = { address: OUR_V4, port: 0 };
const LOCAL = { address: OUR_V4, port: 5_000 };
const REMOTE = { address: PEER_V4, port: 80 };
const FIRST_EPHEMERAL = 32_768;

/** A host that already has connections between some ends. */
class OpeningHost extends NotingHost implements OpenHost {
  isFull = false;
  readonly #known = new Map<string, Tcb>();

  know(localIndex: number, localPort: number, remote: SocketAddress): void {
    this.#known.set(nameOf(localIndex, localPort, remote), loneTcb('ESTABLISHED').tcb);
  }

  find(localIndex: number, localPort: number, remote: SocketAddress): Tcb | undefined {
    return this.#known.get(nameOf(localIndex, localPort, remote));
  }
}

function nameOf(localIndex: number, localPort: number, { address, port }: SocketAddress): string {
  return `${localIndex} ${localPort} ${address.join('.')} ${port}`;
}

function opening(
  host = new OpeningHost(),
  { seed = 1, limits = {} }: { seed?: number; limits?: Partial<StackLimits> } = {},
): Open {
  return new Open(host, { ...DEFAULT_LIMITS, ...limits }, seededEntropy(seed), undefined);
}

function active(open: Open, local: SocketAddress = LOCAL, remote = REMOTE, now = NOW): Tcb {
  return open.active(local, remote, LOCAL_INDEX, now);
}

const issOf = ({ sender }: Tcb): number => sender.iss;

describe('an active open', () => {
  it('is in SYN-SENT, between the two ends (RFC 9293 3.10.1)', () => {
    const host = new OpeningHost();
    const tcb = active(opening(host));
    expect(tcb.state).toBe('SYN-SENT');
    expect(tcb).toMatchObject({ local: LOCAL, remote: REMOTE, localIndex: LOCAL_INDEX });
    expect(tcb.host).toBe(host);
    expect(tcb.sender).toMatchObject({ synDue: true, sndUna: tcb.sender.iss });
  });

  it('neither registers the connection nor sends a segment, which the caller does', () => {
    const host = new OpeningHost();
    active(opening(host));
    expect(host.asked).toEqual([]);
    expect([...host.emitted, ...host.queued]).toEqual([]);
  });

  it('without a port uses a free ephemeral one, a different one each time', () => {
    const host = new OpeningHost();
    const open = opening(host);
    const ports = new Set<number>();
    for (let count = 0; count < 100; count++) {
      const { local } = active(open, ANY_PORT);
      expect(local).toEqual({ address: OUR_V4, port: local.port });
      expect(local.port).toBeGreaterThanOrEqual(FIRST_EPHEMERAL);
      expect(local.port).toBeLessThan(65_536);
      host.know(LOCAL_INDEX, local.port, REMOTE);
      ports.add(local.port);
    }
    expect(ports.size).toBe(100);
  });

  it('skips only ports in use to the same remote end', () => {
    const [free, used, elsewhere] = [new OpeningHost(), new OpeningHost(), new OpeningHost()];
    const { port } = active(opening(free), ANY_PORT).local;
    used.know(LOCAL_INDEX, port, REMOTE);
    expect(active(opening(used), ANY_PORT).local.port).not.toBe(port);
    elsewhere.know(LOCAL_INDEX + 1, port, REMOTE);
    elsewhere.know(LOCAL_INDEX, port, { ...REMOTE, port: 81 });
    expect(active(opening(elsewhere), ANY_PORT).local.port).toBe(port);
  });

  it('starts with unpredictable ephemeral ports (RFC 6056 3.1)', () => {
    const first = (seed: number, remote = REMOTE) =>
      active(opening(undefined, { seed }), ANY_PORT, remote).local.port;
    expect(new Set([first(1), first(2), first(3), first(1, { ...REMOTE, port: 81 })]).size).toBe(4);
  });

  it('uses the given port, even if it is in use to other remote ends', () => {
    const host = new OpeningHost();
    host.know(LOCAL_INDEX, LOCAL.port, { ...REMOTE, port: 81 });
    expect(active(opening(host)).local.port).toBe(LOCAL.port);
  });
});

describe('opening fails', () => {
  it('if a connection between the same ends exists (RFC 9293 3.10.1)', () => {
    const host = new OpeningHost();
    host.know(LOCAL_INDEX, LOCAL.port, REMOTE);
    expect(() => active(opening(host))).toThrow(StackExhaustedError);
    expect(() => active(opening(host))).toThrow('no port is free for this remote address');
  });

  it('if every ephemeral port is in use', () => {
    const host = new OpeningHost();
    const { tcb } = loneTcb('ESTABLISHED');
    host.find = (_, localPort, { port }) =>
      localPort >= FIRST_EPHEMERAL && port === REMOTE.port ? tcb : undefined;
    const open = opening(host);
    expect(() => active(open, ANY_PORT)).toThrow(
      new StackExhaustedError('no port is free for this remote address'),
    );
    expect(active(open, ANY_PORT, { ...REMOTE, port: 81 }).state).toBe('SYN-SENT');
  });

  it('if the connection limit is reached', () => {
    const host = new OpeningHost();
    host.isFull = true;
    expect(() => active(opening(host))).toThrow(StackExhaustedError);
    expect(() => active(opening(host))).toThrow('too many connections are open');
  });

  it('with an error that has its own name', () => {
    expect(new StackExhaustedError('full')).toMatchObject({
      name: 'StackExhaustedError',
      message: 'full',
    });
  });
});

describe('a passive open', () => {
  const passive = (open: Open, iss?: number, now = NOW): Tcb =>
    open.passive(LOCAL, REMOTE, LOCAL_INDEX, now, iss);

  it('is in SYN-RECEIVED, between the two ends (RFC 9293 3.10.7.2)', () => {
    const host = new OpeningHost();
    const tcb = passive(opening(host));
    expect(tcb.state).toBe('SYN-RECEIVED');
    expect(tcb).toMatchObject({ local: LOCAL, remote: REMOTE, localIndex: LOCAL_INDEX });
    expect(tcb.host).toBe(host);
  });

  it('has the number of the cookie, even zero', () => {
    expect(issOf(passive(opening(), 77))).toBe(77);
    expect(issOf(passive(opening(), 0))).toBe(0);
  });

  it('otherwise has a new number, as an active open between these ends would', () => {
    expect(issOf(passive(opening()))).toBe(issOf(active(opening())));
    expect(issOf(passive(opening(), undefined, NOW + 1))).not.toBe(issOf(passive(opening())));
  });
});

it('has a different timestamp clock for each pair of ends, and the same for both kinds of open (RFC 7323 7.1)', () => {
  const offsets = [
    active(opening()),
    active(opening(undefined, { seed: 2 })),
    active(opening(), LOCAL, { ...REMOTE, port: 81 }),
  ].map(({ timestampOffset }) => timestampOffset);
  expect(new Set(offsets).size).toBe(3);
  const { timestampOffset } = opening().passive(LOCAL, REMOTE, LOCAL_INDEX, NOW + 5);
  expect(timestampOffset).toBe(offsets[0]);
});

it('applies the stack’s limits to a connection', () => {
  const limits = { sendBuffer: 100_000, receiveBuffer: 200_000, userTimeout: 7_000 };
  const open = opening(undefined, { limits });
  for (const tcb of [active(open), open.passive(LOCAL, REMOTE, LOCAL_INDEX, NOW)]) {
    expect(tcb.sender.ring.maximum).toBe(100_000);
    expect(tcb.receiver.ring.maximum).toBe(200_000);
    expect(tcb.userTimeout).toBe(7_000);
  }
});
