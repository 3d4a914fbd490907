import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

import { type Libc, loadLibc } from '../../../../src/system/linux/libc.js';
import { InterfaceError } from '../../../../src/system/linux/interface/interface-error.js';
import { openTunInterface } from '../../../../src/system/linux/interface/tun-interface.js';
import type { PacketInterface } from '../../../../src/ports/packet-interfaces.js';
import { finishIcmp, ICMP_ECHO_REPLY, ICMP_ECHO_REQUEST } from '../../../../src/wire/icmp.js';
import {
  VIRTIO_NET_GSO_TCPV4,
  VIRTIO_NET_HEADER_LENGTH,
  VIRTIO_NET_NEEDS_CHECKSUM,
  virtioChecksumOffset,
  virtioChecksumStart,
  virtioFlags,
  virtioSegmentation,
  virtioSegmentSize,
} from '../../../../src/wire/virtio-net.js';
import { NetworkNamespace } from '../../../support/foreign/network-namespace.js';
import { describeWith } from '../../../support/runner/requirements.js';
import { WatchedLibc } from '../../../support/watched-libc.js';
import { until } from '../../../support/until.js';

const { EACCES, EINVAL, EPERM } = constants.errno;

const TUNSETOFFLOAD = 0x400454d0;

const IPV4_HEADER = 20;
const TCP_HEADER = 20;
const PACKET = VIRTIO_NET_HEADER_LENGTH;

// A busy machine is slow to start processes.
describeWith(['linux', 'koffi', 'root', 'tun', 'ip', 'ping'], 'a tun device', () => {
  let real: Libc;
  let libc: WatchedLibc;
  let space: NetworkNamespace;
  const devices: PacketInterface[] = [];

  beforeAll(async () => {
    real = (await loadLibc()) as Libc;
    space = new NetworkNamespace(real);
  });
  beforeEach(() => {
    libc = new WatchedLibc(real);
  });
  afterEach(() => {
    for (const device of devices.splice(0)) device.close();
  });
  afterAll(() => space.close());

  function device(name: string): PacketInterface {
    const one = space.inside(() => openTunInterface(libc, name));
    devices.push(one);
    return one;
  }

  /** With 10.9.0.1 as its own address, and 10.9.0.0/24 routed to it. */
  function deviceThatIsUp(name = 'tun%d'): PacketInterface {
    const one = device(name);
    space.ip('address', 'add', '10.9.0.1/24', 'dev', one.name);
    // Only packets that the test sends.
    execFileSync('ip', [
      'netns',
      'exec',
      space.name,
      'sh',
      '-c',
      `echo 1 >/proc/sys/net/ipv6/conf/${one.name}/disable_ipv6`,
    ]);
    space.ip('link', 'set', one.name, 'up');
    return one;
  }

  function refusal(name: string): unknown {
    try {
      device(name);
    } catch (error) {
      if (!(error instanceof InterfaceError)) throw error;
      return [error.refusal, (error.cause as { code?: string }).code];
    }
    return undefined;
  }

  it.each([
    ['arc', 'arc'],
    ['exactly15bytes_', 'exactly15bytes_'],
    ['arc%d', 'arc0'],
    ['', 'tun0'],
  ])('has the name %j, as %s', (asked, given) => {
    expect(device(asked).name).toBe(given);
    expect(space.ip('-d', 'link', 'show', 'dev', given)).toMatch(/tun type tun pi off vnet_hdr on/);
  });

  it.each([
    ['sixteen_bytes_ab', 'bad-name'],
    ['a b', 'bad-name'],
    ['a/b', 'bad-name'],
    ['a\0b', 'bad-name'],
    ['..', 'bad-name'],
    ['lo', 'name-taken'],
  ])('refuses the name %j as %s', (name, reason) => {
    const descriptors = openDescriptors();
    expect(space.inside(() => refusal(name))).toEqual([reason, 'EINVAL']);
    expect(openDescriptors()).toBe(descriptors);
  });

  it('refuses the name of a device that is in use', () => {
    device('arc');
    expect(refusal('arc')).toEqual(['name-taken', 'EBUSY']);
  });

  it('reports that creating one requires a privilege', () => {
    libc.refuse = (call) => (call === 'ioctl' ? EPERM : 0);
    expect(refusal('arc')).toEqual(['not-permitted', 'EPERM']);
    libc.refuse = (call) => (call === 'ioctl' ? EACCES : 0);
    expect(refusal('arc')).toEqual(['failed', 'EACCES']);
  });

  it('works without UDP segmentation if the kernel does not support it', () => {
    const asked: unknown[] = [];
    libc.refuse = (call, [, request, offloads]) => {
      if (call !== 'ioctl' || request !== TUNSETOFFLOAD) return 0;
      asked.push(offloads);
      return asked.length === 1 ? EINVAL : 0;
    };
    device('arc');
    expect(asked).toEqual([0x67, 0x07]);
  });

  it('receives what the system sends, and the system receives what is written', async () => {
    const one = deviceThatIsUp();
    let echoes = 0;
    one.onFrames = (frames) => {
      for (const frame of frames) {
        const packet = frame.subarray(PACKET);
        expect([...packet.subarray(12, 20)]).toEqual([10, 9, 0, 1, 10, 9, 0, 2]);
        expect(packet[9]).toBe(1);
        expect(packet[IPV4_HEADER]).toBe(ICMP_ECHO_REQUEST);
        answerEcho(packet);
        // In parts, as coalesced packets arrive.
        const header = new Uint8Array(VIRTIO_NET_HEADER_LENGTH);
        expect(one.write([header, packet.subarray(0, 30), packet.subarray(30)])).toBeUndefined();
        echoes++;
      }
    };
    one.setReading(true);
    // With a deadline it continues until this many are answered, however long that takes.
    const output = await ping([
      '-c',
      '20',
      '-w',
      '30',
      '-i',
      '0.01',
      '-s',
      '1200',
      '-p',
      'a7',
      '10.9.0.2',
    ]);
    expect(output).toMatch(/ transmitted, 20 received, /);
    expect(output).not.toMatch(/wrong data/);
    expect(echoes).toBeGreaterThanOrEqual(20);
  });

  it('reads each turn into the same memory', async () => {
    const one = deviceThatIsUp();
    const memory = new Set<ArrayBufferLike>();
    let count = 0;
    one.onFrames = (frames) => {
      for (const frame of frames) memory.add(frame.buffer);
      count += frames.length;
    };
    one.setReading(true);
    // More than one slab holds.
    await ping(['-c', '30', '-i', '0.002', '-W', '1', '-s', '30000', '10.9.0.2']);
    await until(() => count >= 450);
    expect(memory.size).toBe(1);
  });

  it('returns a run of TCP segments as one frame that needs segmentation', async () => {
    const one = deviceThatIsUp();
    const runs: Uint8Array[] = [];
    one.onFrames = (frames) => {
      for (const frame of frames) {
        const packet = frame.subarray(PACKET);
        if (packet[9] !== 6) continue;
        if (isSyn(packet)) expect(one.write([withVirtioHeader(synAck(packet))])).toBeUndefined();
        else if (virtioSegmentation(frame, 0) !== 0) runs.push(frame.slice());
      }
    };
    one.setReading(true);
    const program = `
      const socket = require('node:net').connect(80, '10.9.0.2', () => socket.write(Buffer.alloc(5000)));
      socket.on('error', () => {});`;
    const [command, ...rest] = space.exec(process.execPath, '-e', program) as [string];
    const client = spawn(command, rest, { stdio: 'ignore' });
    await until(() => runs.length > 0);
    client.kill('SIGKILL');
    await once(client, 'exit');
    const [frame] = runs as [Uint8Array];
    expect(virtioSegmentation(frame, 0)).toBe(VIRTIO_NET_GSO_TCPV4);
    expect(virtioFlags(frame, 0)).toBe(VIRTIO_NET_NEEDS_CHECKSUM);
    expect(virtioSegmentSize(frame, 0)).toBe(1000);
    expect(virtioChecksumStart(frame, 0)).toBe(IPV4_HEADER);
    expect(virtioChecksumOffset(frame, 0)).toBe(16);
    expect(frame.length).toBeGreaterThan(PACKET + IPV4_HEADER + TCP_HEADER + 1000);
  });

  it('leaves packets in the kernel’s queue while they are not read', async () => {
    const one = deviceThatIsUp();
    let frames = 0;
    // The connection of an earlier test may still be open.
    one.onFrames = (some) => (frames += some.filter((frame) => frame[PACKET + 9] === 1).length);
    await ping(['-c', '5', '-i', '0.01', '-W', '0.1', '10.9.0.2']);
    expect(frames).toBe(0);
    one.setReading(true);
    await until(() => frames === 5);
    one.setReading(false);
    await ping(['-c', '5', '-i', '0.01', '-W', '0.1', '10.9.0.2']);
    expect(frames).toBe(5);
  });

  describe('one turn', () => {
    /** Returns the frames and bytes of each turn after this many echo requests were queued. */
    async function turnsOf(count: number, size: number) {
      const one = deviceThatIsUp();
      space.ip('link', 'set', one.name, 'mtu', '65535');
      await ping(['-c', `${count}`, '-i', '0.001', '-W', '0.1', '-s', `${size}`, '10.9.0.2']);
      const turns: { frames: number; bytes: number }[] = [];
      let turnsBeforeTimer = Infinity;
      let echoes = 0;
      one.onFrames = (frames) => {
        if (turns.length === 0) setTimeout(() => (turnsBeforeTimer = turns.length), 0);
        // The connection of an earlier test may still be open, and send frames.
        echoes += frames.filter((frame) => frame[PACKET + 9] === 1).length;
        const bytes = frames.reduce((sum, frame) => sum + frame.length, 0);
        turns.push({ frames: frames.length, bytes });
        const timerIsDue = performance.now() + 3;
        while (performance.now() < timerIsDue);
      };
      one.setReading(true);
      await until(() => echoes === count && turnsBeforeTimer !== Infinity);
      return { turns, turnsBeforeTimer };
    }

    it('ends after 64 frames, and continues after timers', async () => {
      const { turns, turnsBeforeTimer } = await turnsOf(150, 56);
      expect(turns.slice(0, 2).map(({ frames }) => frames)).toEqual([64, 64]);
      expect(turnsBeforeTimer).toBe(1);
    });

    it('ends after 256 KiB', async () => {
      const { turns } = await turnsOf(12, 60_000);
      expect(turns[0]!.bytes).toBeGreaterThanOrEqual(256 * 1024);
      for (const { bytes } of turns) expect(bytes).toBeLessThan((256 + 64) * 1024);
    });
  });

  it('reports why a frame was not accepted', () => {
    const one = device('arc');
    const frame = withVirtioHeader(new Uint8Array(28).fill(0x45, 0, 1));
    expect(one.write([frame])).toMatchObject({ code: 'EIO', syscall: 'writev' });
    space.ip('link', 'set', 'arc', 'up');
    expect(one.write([frame])).toBeUndefined();
    const nonsense = frame.slice();
    nonsense[1] = 0x7f;
    expect(one.write([nonsense])).toMatchObject({ code: 'EINVAL' });
    // Neither IPv4 nor IPv6.
    expect(one.write([withVirtioHeader(new Uint8Array(28))])).toMatchObject({ code: 'EINVAL' });
    expect(one.write([frame])).toBeUndefined();
  });

  it('removes the interface at once when it is closed, even during a wait', async () => {
    const one = deviceThatIsUp('arc');
    one.setReading(true);
    await sleep(20);
    one.close();
    expect(() => space.ip('link', 'show', 'dev', 'arc')).toThrow('does not exist');
    expect(one.write([withVirtioHeader(new Uint8Array(28))])).toMatchObject({ code: 'EBADF' });
    one.close();
    one.setReading(true);
  });

  it('reports that the interface was removed by another program, and stops', async () => {
    const one = deviceThatIsUp('arc');
    const gone = new Promise<Error>((resolve) => {
      one.onGone = resolve;
    });
    one.setReading(true);
    await sleep(20);
    space.ip('link', 'delete', 'arc');
    expect(await gone).toMatchObject({ syscall: 'read' });
    const reads = libc.count('read');
    const other = deviceThatIsUp('other');
    const frames: Uint8Array[] = [];
    other.onFrames = (some) => void frames.push(...some);
    other.setReading(true);
    // Another device of the same wait has an event to report afterwards.
    await ping(['-c', '1', '-W', '1', '10.9.0.2']);
    await until(() => frames.length > 0);
    expect(libc.count('read') - reads).toBeLessThan(10);
  });

  async function ping(parameters: readonly string[]): Promise<string> {
    const [command, ...rest] = space.exec('ping', '-n', ...parameters) as [string];
    const child = spawn(command, rest);
    let output = '';
    child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
    await once(child, 'close');
    return output;
  }
});

/** The descriptors of this process that are /dev/net/tun. */
function openDescriptors(): number {
  return readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`) === '/dev/net/tun';
    } catch {
      return false;
    }
  }).length;
}

function withVirtioHeader(packet: Uint8Array): Uint8Array {
  const frame = new Uint8Array(VIRTIO_NET_HEADER_LENGTH + packet.length);
  frame.set(packet, VIRTIO_NET_HEADER_LENGTH);
  return frame;
}

/** Turns an echo request into its answer. */
function answerEcho(packet: Uint8Array): void {
  swapAddresses(packet);
  packet[IPV4_HEADER] = ICMP_ECHO_REPLY;
  finishIcmp(packet, IPV4_HEADER, packet.length - IPV4_HEADER);
}

function swapAddresses(packet: Uint8Array): void {
  const source = packet.slice(12, 16);
  packet.copyWithin(12, 16, 20);
  packet.set(source, 16);
}

function isSyn(packet: Uint8Array): boolean {
  return (packet[IPV4_HEADER + 13]! & 0x12) === 0x02;
}

/** The answer to a SYN, with a segment size of 1,000 bytes. */
function synAck(syn: Uint8Array): Uint8Array {
  const packet = new Uint8Array(IPV4_HEADER + TCP_HEADER + 4);
  packet.set(syn.subarray(0, IPV4_HEADER + 20));
  swapAddresses(packet);
  const view = new DataView(packet.buffer);
  view.setUint16(2, packet.length);
  // The header's checksum, which the kernel verifies.
  view.setUint16(10, 0);
  view.setUint16(10, onesComplement(packet.subarray(0, IPV4_HEADER)));
  const tcp = IPV4_HEADER;
  view.setUint16(tcp, new DataView(syn.buffer, syn.byteOffset).getUint16(tcp + 2));
  view.setUint16(tcp + 2, new DataView(syn.buffer, syn.byteOffset).getUint16(tcp));
  const sequence = new DataView(syn.buffer, syn.byteOffset).getUint32(tcp + 4);
  view.setUint32(tcp + 4, 1000);
  view.setUint32(tcp + 8, (sequence + 1) >>> 0);
  packet.set([0x60, 0x12, 0xff, 0xff, 0, 0, 0, 0, 2, 4, 1000 >> 8, 1000 & 0xff], tcp + 12);
  const segment = packet.subarray(tcp);
  const pseudo = [...packet.subarray(12, 20), 0, 6, 0, segment.length];
  view.setUint16(tcp + 16, onesComplement(Uint8Array.from([...pseudo, ...segment])));
  return packet;
}

function onesComplement(bytes: Uint8Array): number {
  let sum = 0;
  bytes.forEach((byte, index) => (sum += index % 2 === 0 ? byte << 8 : byte));
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
