/** RFC 8200 4, through a whole stack: which headers are skipped, dropped or answered. */
import { Host, icmpv6, ICMPV6, isIntact, OUR_V6, PEER_V6, udp, UDP, v6 } from '../packets.js';

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const NO_NEXT = 59;
const OPTIONS = 60;

const DATAGRAM = udp([5, 7], [1, 2, 3], true);

/** Receives a packet and returns the effects. */
function take(packet: Uint8Array): {
  arrived: number;
  drops: Record<string, number>;
  answers: Uint8Array[];
} {
  const host = new Host();
  let arrived = 0;
  host.stack.bindUdp({ port: 7 }, () => arrived++);
  host.receives(packet);
  return { arrived, drops: host.drops, answers: host.sends() };
}

/** An options header with one option, padded to a multiple of eight bytes. */
function options(next: number, option: number[]): number[] {
  const length = Math.ceil((2 + option.length) / 8) * 8;
  const padding = new Array<number>(length - 2 - option.length).fill(0);
  return [next, length / 8 - 1, ...option, ...padding];
}

describe('skips (RFC 8200 4)', () => {
  it.each([
    ['no header', v6(UDP, DATAGRAM)],
    ['hop-by-hop options', v6(HOP_BY_HOP, [...options(UDP, [5, 2, 0, 0]), ...DATAGRAM])],
    ['destination options', v6(OPTIONS, [...options(UDP, [1, 0]), ...DATAGRAM])],
    [
      'an unknown option that may be skipped',
      v6(OPTIONS, [...options(UDP, [0x3e, 7, ...new Array<number>(7).fill(9)]), ...DATAGRAM]),
    ],
    [
      'a routing header without segments left',
      v6(ROUTING, [UDP, 0, 0, 0, 0, 0, 0, 0, ...DATAGRAM]),
    ],
    ['a fragment that is the whole packet', v6(FRAGMENT, [UDP, 0, 0, 0, 1, 2, 3, 4, ...DATAGRAM])],
    [
      'the recommended order',
      v6(HOP_BY_HOP, [
        ...options(OPTIONS, [1, 0]),
        ...options(ROUTING, [1, 0]),
        ...[FRAGMENT, 0, 4, 0, 0, 0, 0, 0],
        ...[OPTIONS, 0, 0, 0, 1, 2, 3, 4],
        ...options(UDP, [1, 0]),
        ...DATAGRAM,
      ]),
    ],
    [
      'eight headers',
      v6(OPTIONS, [
        ...Array.from({ length: 7 }, () => options(OPTIONS, [])).flat(),
        ...options(UDP, []),
        ...DATAGRAM,
      ]),
    ],
    [
      'eight options',
      v6(OPTIONS, [
        ...options(UDP, [0x1e, 0, 0x1e, 0, 0x1e, 0, 0x1e, 0, 0x1e, 0, 0x1e, 0, 0x1e, 0, 0x1e, 0]),
        ...DATAGRAM,
      ]),
    ],
  ])('%s', (_, packet) => {
    expect(take(packet)).toEqual({ arrived: 1, drops: {}, answers: [] });
  });

  it('bytes after the payload', () => {
    expect(take(Uint8Array.of(...v6(UDP, DATAGRAM), 9, 9, 9)).arrived).toBe(1);
  });
});

describe('drops silently (RFC 8200 4, RFC 8504 5.3)', () => {
  it.each([
    ['no next header', 'ip-no-next-header', v6(NO_NEXT, [1, 2, 3])],
    [
      'an option that requires a drop',
      'ip-extension',
      v6(OPTIONS, [...options(UDP, [0x7e, 0]), ...DATAGRAM]),
    ],
    [
      'nine headers',
      'ip-extension',
      v6(OPTIONS, [
        ...Array.from({ length: 8 }, () => options(OPTIONS, [])).flat(),
        ...options(UDP, []),
        ...DATAGRAM,
      ]),
    ],
    [
      'nine options',
      'ip-extension',
      v6(OPTIONS, [
        ...options(UDP, Array.from({ length: 9 }, () => [0x1e, 0]).flat()),
        ...DATAGRAM,
      ]),
    ],
    ['a truncated header', 'ip-truncated', v6(OPTIONS, [UDP, 0, 1, 0])],
    ['a header beyond the packet', 'ip-truncated', v6(OPTIONS, [UDP, 1, 1, 4, 0, 0, 0, 0])],
    ['a truncated fragment header', 'ip-truncated', v6(FRAGMENT, [UDP, 0, 0, 0])],
    [
      'a fragment of a fragment',
      'ip-fragment',
      v6(FRAGMENT, [FRAGMENT, 0, 0, 0, 1, 2, 3, 4, UDP, 0, 0, 0, 1, 2, 3, 4, ...DATAGRAM]),
    ],
  ])('%s', (_, reason, packet) => {
    expect(take(packet)).toEqual({ arrived: 0, drops: { [reason]: 1 }, answers: [] });
  });
});

describe('answers with a parameter problem (RFC 8200 4, RFC 4443 3.4)', () => {
  it.each([
    ['an unknown protocol', 'ip-protocol', 1, 6, v6(132, [1, 2, 3, 4])],
    [
      'an unknown protocol after options',
      'ip-protocol',
      1,
      40,
      v6(OPTIONS, [...options(50, []), 1, 2, 3, 4]),
    ],
    ['ICMP of the other family', 'ip-protocol', 1, 6, v6(1, [8, 0, 0, 0])],
    [
      'hop-by-hop options in the wrong place',
      'ip-protocol',
      1,
      40,
      v6(OPTIONS, [...options(HOP_BY_HOP, []), ...options(UDP, []), ...DATAGRAM]),
    ],
    [
      'an option of kind 10',
      'ip-extension',
      2,
      44,
      v6(OPTIONS, [...options(UDP, [1, 0, 0x9e, 0]), ...DATAGRAM]),
    ],
    [
      'an option of kind 11',
      'ip-extension',
      2,
      42,
      v6(HOP_BY_HOP, [...options(UDP, [0xc2, 4, 0, 1, 0, 0]), ...DATAGRAM]),
    ],
    [
      'an option longer than its header',
      'ip-extension',
      0,
      42,
      v6(OPTIONS, [UDP, 0, 1, 5, 0, 0, 0, 0, ...DATAGRAM]),
    ],
    [
      'an option without a length',
      'ip-extension',
      0,
      47,
      v6(OPTIONS, [UDP, 0, 0, 0, 0, 0, 0, 1, ...DATAGRAM]),
    ],
    [
      'a routing header with segments left (RFC 5095)',
      'ip-routing',
      0,
      42,
      v6(ROUTING, [UDP, 2, 0, 1, 0, 0, 0, 0, ...OUR_V6, ...DATAGRAM]),
    ],
  ])('%s', (_, reason, code, pointer, packet) => {
    const { arrived, drops, answers } = take(packet);
    expect({ arrived, drops }).toEqual({ arrived: 0, drops: { [reason]: 1 } });
    const expected = v6(
      ICMPV6,
      icmpv6(4, code, [0, 0, 0, pointer, ...packet], { from: OUR_V6, to: PEER_V6 }),
      {
        from: OUR_V6,
        to: PEER_V6,
      },
    );
    expect(answers).toEqual([expected]);
    expect(isIntact(answers[0]!)).toBe(true);
  });

  it('but not for an ICMP error', () => {
    const error = icmpv6(1, 0, [0, 0, 0, 0]);
    const packet = v6(OPTIONS, [...options(ICMPV6, [0x9e, 0]), ...error]);
    expect(take(packet)).toEqual({ arrived: 0, drops: { 'ip-extension': 1 }, answers: [] });
  });

  it('and for each packet separately', () => {
    const host = new Host().receives(v6(132, [1, 2, 3, 4]), v6(NO_NEXT, []));
    expect(host.sends()).toHaveLength(1);
  });
});
