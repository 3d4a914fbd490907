import { PACKET_HEADROOM } from '../../../src/lib/packets/packet-slot.js';
import type { Tcb } from '../../../src/netstack/tcp/tcb.js';
import { OUR_V6, PEER_V6 } from '../packets.js';
import { loneTcb, NOW, OUR_PORT, PEER_ISS, PEER_PORT } from './lone-tcb.js';

const V6_ENDS = {
  local: { address: OUR_V6, port: OUR_PORT },
  remote: { address: PEER_V6, port: PEER_PORT },
};

describe('a new connection', () => {
  it('offers all options (RFC 7323 2.2, RFC 7323 3.2, RFC 2018 2), and has no MSS of the peer', () => {
    const { tcb } = loneTcb('SYN-SENT');
    expect(tcb).toMatchObject({ sack: true, windowScale: true, timestamps: true });
    expect(tcb).toMatchObject({ peerMss: Infinity, tsRecent: 0, tsRecentAt: 0 });
  });

  it('has no event, no observer, and no probe', () => {
    const { tcb } = loneTcb('SYN-SENT');
    expect(tcb).toMatchObject({
      establishedDue: false,
      readableDue: false,
      writableDue: false,
      remoteClosedDue: false,
      closedDue: undefined,
      delivering: false,
      wantsWritable: false,
      observer: undefined,
      acceptor: undefined,
      keepAlive: undefined,
      windowProbeDue: false,
      tailProbeDue: false,
    });
  });

  it('has no timer, and is in neither the timer heap nor the ready queue', () => {
    const { tcb, host } = loneTcb('SYN-SENT');
    tcb.updateDeadline();
    expect(tcb).toMatchObject({ deadline: Infinity, heapIndex: -1, ready: false });
    expect(tcb.nextReady).toBeUndefined();
    expect(host.asked).toEqual(['reschedule']);
  });

  it('may answer an unacceptable segment at any time', () => {
    expect(loneTcb('ESTABLISHED').tcb.outOfWindowAckAt).toBe(-Infinity);
  });
});

describe('the header template', () => {
  it.each([
    ['IPv4', {}, 20],
    ['IPv6', V6_ENDS, 40],
  ])(
    'for %s has the local source and the peer as destination, and protocol TCP',
    (_, ends, length) => {
      const { tcb, host } = loneTcb('ESTABLISHED', ends);
      expect(tcb.header.length).toBe(length);
      const slot = host.slots.allocate(length);
      tcb.header.write(slot, PACKET_HEADROOM, 0);
      const packet = slot.subarray(PACKET_HEADROOM, PACKET_HEADROOM + length);
      const addresses = length === 20 ? 12 : 8;
      expect(packet[length === 20 ? 9 : 6]).toBe(6);
      expect([...packet.subarray(addresses)]).toEqual([
        ...tcb.local.address,
        ...tcb.remote.address,
      ]);
    },
  );
});

it.each([
  ['IPv4', {}, 1040 - 20 - 20],
  ['IPv6', V6_ENDS, 1040 - 40 - 20],
])(
  'offers over %s an MSS of the MTU less the headers without options (MUST-67)',
  (_, ends, mss) => {
    const { tcb } = loneTcb('SYN-SENT', ends);
    expect(tcb.mss).toBe(mss);
    expect(tcb.sender.mss).toBe(mss);
  },
);

it('moves the edge of its window by at least a full segment (RFC 9293 3.8.6.2.2)', () => {
  const { receiver } = loneTcb('ESTABLISHED', { receiveBuffer: 60_000 }).tcb;
  receiver.synchronize(PEER_ISS);
  const window = receiver.advertise(0);
  receiver.takeText(new Uint8Array(1_000), 0, 1_000, receiver.rcvNxt);
  receiver.ring.read(999);
  expect(receiver.advertise(0)).toBe(window - 1_000);
  receiver.ring.read(1);
  expect(receiver.advertise(0)).toBe(window);
});

describe('the timestamp clock', () => {
  const at = (now: number, timestampOffset: number) =>
    loneTcb('ESTABLISHED', { timestampOffset }).tcb.timestamp(now);

  it('wraps after 32 bits', () => {
    expect(at(1, 0x7fff_ffff)).toBe(-0x8000_0000);
    expect(at(2 ** 32 + 3, 0)).toBe(3);
  });
});

const TIMERS: Record<string, (tcb: Tcb, at: number) => void> = {
  retransmission: (tcb, at) => (tcb.retransmitAt = at),
  'tail loss probe': (tcb, at) => (tcb.probeAt = at),
  reordering: (tcb, at) => (tcb.sender.recovery.reorderAt = at),
  pacer: (tcb, at) => (tcb.sender.next.paceAt = at),
  persist: (tcb, at) => (tcb.persistAt = at),
  keepalive: (tcb, at) => (tcb.keepAliveAt = at),
  'end of state': (tcb, at) => (tcb.endOfStateAt = at),
  'delayed ACK': (tcb, at) => (tcb.receiver.delayedAckAt = at),
};
const NAMES = Object.keys(TIMERS);

describe('the deadline', () => {
  it.each(NAMES)('is that of the %s if that is first, and is reported to the stack', (name) => {
    const { tcb, host } = loneTcb('ESTABLISHED');
    for (const other of NAMES) TIMERS[other]!(tcb, NOW + 20);
    TIMERS[name]!(tcb, NOW + 10);
    tcb.updateDeadline();
    expect(tcb.deadline).toBe(NOW + 10);
    TIMERS[name]!(tcb, Infinity);
    tcb.updateDeadline();
    expect(tcb.deadline).toBe(NOW + 20);
    expect(host.asked).toEqual(['reschedule', 'reschedule']);
  });

  it('does not exist after all timers are stopped', () => {
    for (const name of NAMES) {
      const { tcb } = loneTcb('ESTABLISHED');
      TIMERS[name]!(tcb, NOW + 10);
      tcb.stopTimers();
      tcb.updateDeadline();
      expect(tcb.deadline).toBe(Infinity);
    }
  });
});
