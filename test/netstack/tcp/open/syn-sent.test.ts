/** RFC 9293 3.10.7.3, SYN-SENT, with RFC 5961 3.2. */
import { arriveInSynSent } from '../../../../src/netstack/tcp/open/syn-sent.js';
import { ACK, FIN, MSS_OPTION, RST, SYN } from '../../tcp-harness.js';
import {
  type Fields,
  loneTcb,
  type LoneTcb,
  NOW,
  OUR_ISS,
  PEER_ISS,
  segmentOf,
} from '../lone-tcb.js';

function arrives(fields: Fields, iss = OUR_ISS): LoneTcb {
  const lone = loneTcb('SYN-SENT', { iss });
  arriveInSynSent(lone.tcb, segmentOf(fields), NOW + 40);
  return lone;
}

function drops({ host }: LoneTcb): Record<string, number> {
  return Object.fromEntries(host.drops);
}

describe('first, the ACK bit', () => {
  it.each([
    ['at ISS', OUR_ISS],
    ['below ISS', OUR_ISS - 1],
    ['above SND.NXT', OUR_ISS + 2],
  ])('sends a reset for an ACK %s', (_, ack) => {
    const lone = arrives({ flags: SYN | ACK, ack });
    expect(lone.host.asked).toEqual(['refuse']);
    expect(drops(lone)).toEqual({ 'tcp-ack': 1 });
    expect(lone.tcb.state).toBe('SYN-SENT');
  });

  it('drops an RST without answering it', () => {
    const lone = arrives({ flags: RST | ACK, ack: OUR_ISS });
    expect(lone.host.asked).toEqual([]);
    expect(drops(lone)).toEqual({ 'tcp-ack': 1 });
    expect(lone.tcb.state).toBe('SYN-SENT');
  });
});

describe('second, the RST bit', () => {
  it('ends the attempt as refused if the ACK is acceptable (tcp_synsent_reset)', () => {
    const lone = arrives({ flags: RST | ACK, ack: OUR_ISS + 1 });
    expect(lone.tcb).toMatchObject({ state: 'CLOSED', closedDue: 'refused' });
    expect(lone.host.asked).toContain('remove');
    expect(drops(lone)).toEqual({});
  });

  it.each([
    ['alone', RST],
    ['with SYN', RST | SYN],
  ])('drops an RST without ACK, %s', (_, flags) => {
    const lone = arrives({ flags, ack: OUR_ISS + 1 });
    expect(lone.tcb.state).toBe('SYN-SENT');
    expect(drops(lone)).toEqual({ 'tcp-reset': 1 });
  });
});

describe('fourth, the SYN bit', () => {
  it.each([
    ['an ACK', ACK],
    ['a FIN', FIN],
    ['a FIN with ACK', FIN | ACK],
  ])('drops %s without SYN', (_, flags) => {
    const lone = arrives({ flags, ack: OUR_ISS + 1 });
    expect(lone.tcb.state).toBe('SYN-SENT');
    expect(lone.tcb.receiver.irs).toBe(0);
    expect(drops(lone)).toEqual({ 'tcp-state': 1 });
    expect(lone.host.asked).toEqual([]);
  });

  it('enters ESTABLISHED if the SYN is acknowledged, and sends an ACK', () => {
    const options = MSS_OPTION(700);
    const lone = arrives({ flags: SYN | ACK, ack: OUR_ISS + 1, wnd: 3_000, options });
    const { sender, receiver } = lone.tcb;
    expect(lone.tcb).toMatchObject({ state: 'ESTABLISHED', establishedDue: true });
    expect(receiver).toMatchObject({ irs: PEER_ISS, rcvNxt: PEER_ISS + 1, ackNow: true });
    expect(sender).toMatchObject({ sndUna: OUR_ISS + 1, synDue: false, srtt: 40, mss: 700 });
    expect(sender).toMatchObject({ sndWnd: 3_000, sndWl1: PEER_ISS, sndWl2: OUR_ISS + 1 });
    expect(drops(lone)).toEqual({});
  });

  it('enters SYN-RECEIVED if it is not, and sends <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>', () => {
    const lone = arrives({ flags: SYN, wnd: 3_000 });
    const { sender, receiver } = lone.tcb;
    expect(lone.tcb).toMatchObject({ state: 'SYN-RECEIVED', establishedDue: false });
    expect(receiver).toMatchObject({ irs: PEER_ISS, rcvNxt: PEER_ISS + 1, ackNow: false });
    // A SYN is due again; in this state dispatch() adds an ACK to it.
    expect(sender).toMatchObject({ sndUna: OUR_ISS, synDue: true, srtt: 0 });
    expect(sender).toMatchObject({ sndWnd: 3_000, sndWl1: PEER_ISS, sndWl2: OUR_ISS });
  });
});
