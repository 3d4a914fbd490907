import { TcpDemux } from '../../../../src/netstack/tcp/tables/demux.js';
import type { Tcb } from '../../../../src/netstack/tcp/tcb.js';
import { addressKey, type IpAddress } from '../../../../src/wire/ip-address.js';
import { OUR_V4, OUR_V6, PEER_V4 } from '../../packets.js';
import { ip } from '../../../support/pairs/netstack-pair.js';
import { loneTcb } from '../lone-tcb.js';

const LOCAL_PORT = 40_000;
const OTHER_PEER = ip('10.0.0.3');

interface Ends {
  readonly localIndex?: number;
  readonly localPort?: number;
  readonly peer?: IpAddress;
  readonly peerPort?: number;
}

function tcbOf({
  localIndex = 1,
  localPort = LOCAL_PORT,
  peer = PEER_V4,
  peerPort = 80,
}: Ends): Tcb {
  const address = peer.length === 16 ? OUR_V6 : OUR_V4;
  return loneTcb('ESTABLISHED', {
    local: { address, port: localPort },
    remote: { address: peer, port: peerPort },
    localIndex,
  }).tcb;
}

function holding(...tcbs: Tcb[]): TcpDemux {
  const demux = new TcpDemux();
  for (const tcb of tcbs) demux.add(tcb);
  return demux;
}

function find(demux: TcpDemux, ends: Ends): Tcb | undefined {
  const { localIndex = 1, localPort = LOCAL_PORT, peer = PEER_V4, peerPort = 80 } = ends;
  return demux.findAddress(localIndex, localPort, { address: peer, port: peerPort });
}

it.each<[string, Ends]>([
  ['local address', { localIndex: 0 }],
  ['local address and the adjacent port', { localIndex: 0, peerPort: 81 }],
  [
    'local address and a port that differs in its highest bit',
    { localIndex: 0, localPort: LOCAL_PORT - 0x8000 },
  ],
  ['local port', { localPort: LOCAL_PORT + 1 }],
  ['local port and the adjacent port', { localPort: LOCAL_PORT + 1, peerPort: 79 }],
  ['remote address', { peer: OTHER_PEER }],
  ['remote port', { peerPort: 81 }],
  ['which port is whose', { localPort: 80, peerPort: LOCAL_PORT }],
])('distinguishes connections by %s', (_, ends) => {
  expect(find(holding(tcbOf({})), ends)).toBeUndefined();
});

it('forgets only the removed connection', () => {
  const [one, two, three] = [tcbOf({}), tcbOf({ peerPort: 81 }), tcbOf({ peer: OTHER_PEER })];
  const demux = holding(one, two, three);
  expect(demux.size).toBe(3);
  demux.remove(one);
  expect(demux.size).toBe(2);
  expect(find(demux, {})).toBeUndefined();
  expect(find(demux, { peerPort: 81 })).toBe(two);
  demux.remove(two);
  demux.remove(three);
  expect(demux.size).toBe(0);
  expect(demux.all()).toEqual([]);
});

it('does not count an unknown connection', () => {
  const demux = holding(tcbOf({}));
  demux.remove(tcbOf({ peerPort: 81 }));
  demux.remove(tcbOf({ peer: OTHER_PEER }));
  expect(demux.size).toBe(1);
});

it('lists all connections, and all to one address, even while they change', () => {
  const [one, two, three] = [tcbOf({}), tcbOf({ peerPort: 81 }), tcbOf({ peer: OTHER_PEER })];
  const demux = holding(one, two, three);
  const [all, some] = [demux.all(), demux.allTo(addressKey(PEER_V4))];
  for (const tcb of all) demux.remove(tcb);
  expect(all).toEqual([one, two, three]);
  expect(some).toEqual([one, two]);
  expect(demux.allTo(addressKey(PEER_V4))).toEqual([]);
});
