import { execFileSync } from 'node:child_process';

import { batchedUdpSockets } from '../../../src/system/linux/udp/batched-udp-socket.js';
import { type Libc, loadLibc } from '../../../src/system/linux/libc.js';
import { openTunInterface } from '../../../src/system/linux/interface/tun-interface.js';
import { udpDestinationPort } from '../../../src/wire/udp.js';
import { VIRTIO_NET_HEADER_LENGTH } from '../../../src/wire/virtio-net.js';
import { NetworkNamespace } from '../../support/foreign/network-namespace.js';
import { describeWith } from '../../support/runner/requirements.js';
import { WatchedLibc } from '../../support/watched-libc.js';
import { until } from '../../support/until.js';

const IPV4_HEADER = 20;
const UDP_HEADER = 8;
const LENGTH = 1_400;

// A link that is slower than the sender: the kernel's queue is full, and it reports when there is
// room.
describeWith(['linux', 'koffi', 'root', 'tun', 'ip', 'tc'], 'the socket and the device', () => {
  let space: NetworkNamespace | undefined;
  afterAll(() => space?.close());

  it('wait for a slow link in one wait, and keep their order', async () => {
    const libc = new WatchedLibc((await loadLibc()) as Libc);
    const place = (space = new NetworkNamespace(libc));
    const device = place.inside(() => openTunInterface(libc, 'slow'));
    place.ip('address', 'add', '10.9.0.1/24', 'dev', 'slow');
    place.ip('link', 'set', 'slow', 'up');
    const rate = ['rate', '20mbit', 'burst', '20kb', 'limit', '50mb'];
    const tc = place.exec('tc', 'qdisc', 'add', 'dev', 'slow', 'root', 'tbf', ...rate);
    execFileSync(tc[0]!, tc.slice(1));

    const numbers: number[] = [];
    device.onFrames = (frames) => {
      for (const frame of frames) numbers.push(...datagramNumbers(frame, 5_000));
    };
    device.setReading(true);
    const sockets = batchedUdpSockets(libc);
    const socket = await place.inside(() => sockets.open({ address: '10.9.0.1', port: 0 }));
    const errors: Error[] = [];
    socket.onError = (error) => errors.push(error);
    let drains = 0;
    socket.onDrain = () => drains++;

    const endpoint = { address: '10.9.0.2', port: 5_000 };
    let sent = 0;
    // As a driver does: continuously until it must wait.
    while (socket.queuedBytes < 1024 * 1024 && sent < 50_000) {
      socket.send(
        Array.from({ length: 64 }, () => {
          const bytes = new Uint8Array(LENGTH);
          new DataView(bytes.buffer).setUint32(0, sent++);
          return { bytes, endpoint };
        }),
      );
    }
    expect(socket.queuedBytes).toBeGreaterThan(0);
    expect(drains).toBe(0);
    await until(() => drains > 0);
    expect(drains).toBe(1);
    expect(socket.queuedBytes).toBe(0);
    expect(errors).toEqual([]);
    // Packets that the device has no room for are lost while the test is slow.
    expect(numbers.length).toBeGreaterThan(100);
    expect(numbers).toEqual([...numbers].sort((left, right) => left - right));
    await socket.close();
    device.close();
  }, 60_000);
});

/** The numbers of the datagrams to a port in a frame, which may be a run of them. */
function datagramNumbers(frame: Uint8Array, port: number): number[] {
  const packet = frame.subarray(VIRTIO_NET_HEADER_LENGTH);
  if (packet[9] !== 17 || udpDestinationPort(packet, IPV4_HEADER) !== port) return [];
  const view = new DataView(packet.buffer, packet.byteOffset);
  const numbers: number[] = [];
  for (let at = IPV4_HEADER + UDP_HEADER; at < packet.length; at += LENGTH) {
    numbers.push(view.getUint32(at));
  }
  return numbers;
}
