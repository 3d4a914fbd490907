import { UdpDemux } from '../../../src/netstack/udp/udp-demux.js';
import { UdpSocket } from '../../../src/netstack/udp/udp-socket.js';
import { addressKey } from '../../../src/wire/ip-address.js';
import { PEER_V4, PEER_V6 } from '../packets.js';

function socket(port: number, address?: typeof PEER_V4): UdpSocket {
  const host = { send: () => true, close: () => undefined };
  const remote = address && { address, port: 53 };
  const ends = { localIndex: 0, address: undefined, port, remote };
  return new UdpSocket(host, ends, { onDatagram: () => undefined, onError: undefined });
}

it('counts the sockets on a port', () => {
  const demux = new UdpDemux();
  const all = [socket(7), socket(7, PEER_V4), socket(7, PEER_V6)];
  for (const one of all) demux.add(one);
  expect([demux.size, demux.isUnused(7), demux.isUnused(8)]).toEqual([3, false, true]);
  demux.remove(all[0]!);
  demux.remove(all[2]!);
  expect([demux.size, demux.isUnused(7)]).toEqual([1, false]);
  expect(demux.find(0, 7, addressKey(PEER_V4), 53)).toBe(all[1]);
  expect(demux.find(0, 7, addressKey(PEER_V4), 54)).toBeUndefined();
  demux.remove(all[1]!);
  expect([demux.size, demux.isUnused(7), demux.all()]).toEqual([0, true, []]);
});
