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
  it('starts with unpredictable ephemeral ports (RFC 6056 3.1)', () => {
    const first = (seed: number, remote = REMOTE) =>
      active(opening(undefined, { seed }), ANY_PORT, remote).local.port;
    expect(new Set([first(1), first(2), first(3), first(1, { ...REMOTE, port: 81 })]).size).toBe(4);
  });
});

describe('opening fails', () => {
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
