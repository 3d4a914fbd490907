/** RFC 9293 3.10.7.1 (CLOSED): the RST of a host without a socket, as Linux sends it. */
import { ACK, FIN, Harness, PSH, RST } from '../../tcp-harness.js';

/** A connection that has exchanged 10 octets each way, and then sends 5 more after `pause` ms. */
function afterRequest(pause = 5_000): Harness {
  const harness = new Harness().establish();
  harness.connection.send(new Uint8Array(10));
  harness.sends();
  harness.receives({ flags: PSH | ACK, seq: 1, ack: 11, data: 10 });
  harness.connection.receive(100, harness.now);
  harness.after(40);
  expect(harness.sendsBriefly()).toEqual(['ACK 11+0 11']);
  harness.after(pause);
  harness.connection.send(new Uint8Array(5));
  expect(harness.sendsBriefly()).toEqual(['PSH,ACK 11+5 11']);
  return harness;
}

it('is the same RST if a FIN that crossed the text arrives first', () => {
  const harness = afterRequest();
  harness.receives({ flags: FIN | ACK, seq: 11, ack: 11 });
  expect(harness.sendsBriefly()).toEqual(['ACK 16+0 12']);
  harness.receives({ flags: RST, seq: 11 });
  expect(harness.events.at(-1)).toBe('remoteClosed');
  // The answer to the ACK of the FIN.
  harness.receives({ flags: RST, seq: 12 });
  expect(harness.events.at(-1)).toBe('closed:reset');
  expect(harness.connection.provesUnread).toBe(true);
});

it.each<[string, string, (harness: Harness) => void]>([
  [
    'an RST with ACK, which an aborting socket sends',
    'RST with ACK',
    (harness) => harness.receives({ flags: RST | ACK, seq: 11, ack: 11 }),
  ],
  [
    'an RST that answers the ACK of a FIN: the peer may have read the text while half-closed',
    'RST for another segment',
    (harness) => {
      harness.receives({ flags: FIN | ACK, seq: 11, ack: 11 });
      harness.sends();
      harness.receives({ flags: RST, seq: 12 });
    },
  ],
  [
    'an RST after an ACK of the text',
    'acknowledged',
    (harness) => {
      harness.receives({ flags: ACK, seq: 11, ack: 16 });
      harness.receives({ flags: RST, seq: 11 });
    },
  ],
  [
    'an RST after an ACK of a part of the text',
    'partly acknowledged',
    (harness) => {
      harness.receives({ flags: ACK, seq: 11, ack: 12 });
      harness.receives({ flags: RST, seq: 11 });
    },
  ],
  [
    'an RST after a retransmission',
    'retransmitted',
    (harness) => {
      harness.after(1_500);
      expect(harness.sendsBriefly()).toContain('PSH,ACK 11+5 11');
      harness.receives({ flags: RST, seq: 11 });
    },
  ],
  [
    'an RST after another segment with the same ACK',
    'another segment with the same ACK',
    (harness) => {
      // An old segment, which is answered with an ACK.
      harness.receives({ flags: PSH | ACK, seq: 1, ack: 11, data: 10 });
      expect(harness.sendsBriefly()).toEqual(['ACK 16+0 11']);
      harness.receives({ flags: RST, seq: 11 });
    },
  ],
  [
    'an RST after a second segment of text',
    'several segments',
    (harness) => {
      harness.connection.send(new Uint8Array(5));
      expect(harness.sendsBriefly()).toEqual(['PSH,ACK 16+5 11']);
      harness.receives({ flags: RST, seq: 11 });
    },
  ],
  [
    'an RST after a second segment of text with another ACK',
    'several segments',
    (harness) => {
      harness.receives({ flags: PSH | ACK, seq: 11, ack: 11, data: 10 });
      harness.connection.send(new Uint8Array(5));
      expect(harness.sendsBriefly()).toEqual(['PSH,ACK 16+5 21']);
      harness.receives({ flags: RST, seq: 11 });
      harness.receives({ flags: RST, seq: 21 });
    },
  ],
  [
    'an RST after a response',
    'RST for another segment',
    (harness) => {
      harness.receives({ flags: PSH | ACK, seq: 11, ack: 16, data: 10 });
      harness.receives({ flags: RST, seq: 21 });
    },
  ],
])('is not %s', (_, doubt, then) => {
  const harness = afterRequest();
  expect(harness.connection.unreadDoubt).toBeUndefined();
  then(harness);
  expect(harness.events).toContain('closed:reset');
  expect(harness.connection.provesUnread).toBe(false);
  expect(harness.connection.unreadDoubt).toBe(doubt);
});

it.each([
  [199, false],
  [200, true],
])(
  'needs an RTO between an ACK and the text, which have the same number: %i ms',
  (pause, isProof) => {
    const harness = afterRequest(pause);
    expect(harness.connection.info().rto).toBe(200);
    harness.receives({ flags: RST, seq: 11 });
    expect(harness.connection.provesUnread).toBe(isProof);
    const doubt = 'another segment 199 ms earlier, within the RTO of 200 ms';
    expect(harness.connection.unreadDoubt).toBe(isProof ? undefined : doubt);
  },
);

it.each([
  [199, false],
  [200, true],
])(
  'needs an RTO after earlier text with the same ACK, of which a copy may be late: %i ms',
  (pause, isProof) => {
    const harness = new Harness().establish();
    harness.connection.send(new Uint8Array(10));
    harness.sends();
    harness.receives({ flags: PSH | ACK, seq: 1, ack: 11, data: 10 });
    // The rest of a body, whose response came early.
    harness.connection.send(new Uint8Array(7));
    expect(harness.sendsBriefly()).toEqual(['PSH,ACK 11+7 11']);
    harness.receives({ flags: ACK, seq: 11, ack: 18 });
    harness.after(pause);
    harness.connection.send(new Uint8Array(5));
    expect(harness.sendsBriefly()).toEqual(['PSH,ACK 18+5 11']);
    harness.receives({ flags: RST, seq: 11 });
    expect(harness.events.at(-1)).toBe('closed:reset');
    expect(harness.connection.provesUnread).toBe(isProof);
  },
);

it('needs no time if the text carries the first ACK of the response', () => {
  const harness = new Harness().establish();
  harness.connection.send(new Uint8Array(10));
  harness.sends();
  harness.receives({ flags: PSH | ACK, seq: 1, ack: 11, data: 10 });
  harness.connection.send(new Uint8Array(5));
  expect(harness.sendsBriefly()).toEqual(['PSH,ACK 11+5 11']);
  harness.receives({ flags: RST, seq: 11 });
  expect(harness.connection.provesUnread).toBe(true);
});

describe('text that is queued when the connection ends', () => {
  /** Queues 5 octets behind a response, and ends the connection before the next segment leaves. */
  function queued(before: (harness: Harness) => void = () => undefined): Harness {
    const harness = new Harness().establish();
    harness.connection.send(new Uint8Array(10));
    harness.sends();
    harness.receives({ flags: PSH | ACK, seq: 1, ack: 11, data: 10 });
    harness.after(40);
    harness.sends();
    before(harness);
    harness.connection.send(new Uint8Array(5));
    return harness;
  }

  it('is unread even if the RST has an ACK', () => {
    const harness = queued();
    harness.receives({ flags: RST | ACK, seq: 11, ack: 11 });
    expect(harness.connection.provesUnread).toBe(true);
  });

  it.each<[string, (harness: Harness) => void]>([
    [
      'it continues text that was sent',
      (harness) => {
        harness.connection.send(new Uint8Array(5));
        harness.sends();
      },
    ],
    [
      'it continues text of which a part is acknowledged',
      (harness) => {
        harness.connection.send(new Uint8Array(5));
        harness.sends();
        harness.receives({ flags: ACK, seq: 11, ack: 13 });
      },
    ],
  ])('is no proof if %s', (_, before) => {
    const harness = queued(before);
    harness.receives({ flags: RST | ACK, seq: 11, ack: 11 });
    expect(harness.events.at(-1)).toBe('closed:reset');
    expect(harness.connection.provesUnread).toBe(false);
  });
});

it('ends with a late ACK of the text', () => {
  const harness = afterRequest();
  harness.receives({ flags: FIN | ACK, seq: 11, ack: 11 });
  harness.receives({ flags: RST, seq: 11 });
  expect(harness.connection.provesUnread).toBe(true);
  harness.receives({ flags: ACK, seq: 12, ack: 16 });
  expect(harness.connection.provesUnread).toBe(false);
});

it('does not exist after a window probe, whose octet is sent twice', () => {
  const harness = new Harness().establish({ wnd: 0 });
  harness.connection.send(new Uint8Array(5));
  harness.sends();
  harness.after(1_500);
  expect(harness.sends()).toMatchObject([{ seq: 1, len: 1 }]);
  harness.after(harness.connection.info().rto);
  expect(harness.sends()).toEqual([]);
  harness.receives({ flags: ACK, seq: 1, ack: 1, wnd: 1_000 });
  expect(harness.sends()).toMatchObject([{ seq: 1, len: 5 }]);
  harness.receives({ flags: RST, seq: 1 });
  expect(harness.events.at(-1)).toBe('closed:reset');
  expect(harness.connection.provesUnread).toBe(false);
  expect(harness.connection.unreadDoubt).toBe('window probe');
});

describe('after an idle time in which the clock stood still', () => {
  /** A request right after the ACK of a response, and then the RST of a host without a socket. */
  function isProven(idleTime: number, resent = false): boolean {
    const harness = new Harness().establish();
    harness.connection.send(new Uint8Array(10));
    harness.sends();
    harness.receives({ flags: PSH | ACK, seq: 1, ack: 11, data: 10 });
    harness.connection.receive(100, harness.now);
    harness.connection.idleBegins();
    expect(harness.sendsBriefly()).toEqual(['ACK 11+0 11']);
    if (resent) {
      harness.receives({ flags: PSH | ACK, seq: 1, ack: 11, data: 10 });
      expect(harness.sends()).toHaveLength(1);
    }
    harness.connection.idleEnds(idleTime);
    harness.connection.send(new Uint8Array(5));
    harness.sends();
    harness.receives({ flags: RST, seq: 11 });
    return harness.connection.provesUnread;
  }

  it('can no longer be the answer to the ACK of the last response', () => {
    expect(isProven(5_000)).toBe(true);
  });

  it('can be the answer to that ACK if the idle time is short', () => {
    expect(isProven(10)).toBe(false);
  });

  it('can be the answer to a later ACK, whose time is unknown', () => {
    expect(isProven(5_000, true)).toBe(false);
  });

  it('can be the answer to a later ACK, if the response was acknowledged before', () => {
    const harness = new Harness().establish();
    harness.connection.send(new Uint8Array(10));
    harness.sends();
    harness.receives({ flags: PSH | ACK, seq: 1, ack: 11, data: 10 });
    harness.after(100);
    harness.sends();
    // The client of the proxy was slow, so the exchange ends after the delayed ACK.
    harness.connection.receive(100, harness.now);
    harness.connection.idleBegins();
    expect(harness.sends()).toEqual([]);
    harness.after(1_000);
    // A keep-alive probe, or a copy of the response, just before the request.
    harness.receives({ flags: PSH | ACK, seq: 1, ack: 11, data: 10 });
    expect(harness.sends()).toHaveLength(1);
    harness.connection.idleEnds(1_000);
    harness.connection.send(new Uint8Array(5));
    harness.sends();
    harness.receives({ flags: RST, seq: 11 });
    expect(harness.connection.provesUnread).toBe(false);
  });
});
