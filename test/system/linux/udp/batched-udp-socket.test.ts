import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { constants } from 'node:os';

import { batchedUdpSockets } from '../../../../src/system/linux/udp/batched-udp-socket.js';
import { type Libc, loadLibc } from '../../../../src/system/linux/libc.js';
import type { DatagramSocket, DatagramSockets } from '../../../../src/ports/datagram-sockets.js';
import type { Datagram } from '../../../../src/ports/datagram.js';
import { describeWith } from '../../../support/runner/requirements.js';
import { WatchedLibc } from '../../../support/watched-libc.js';
import { until } from '../../../support/until.js';

const { EAGAIN, EINVAL, EIO, EMSGSIZE, ENETUNREACH, ENOPROTOOPT, EPERM } = constants.errno;

const UDP_SEGMENT = '17 103';
const PACKET_INFO: Record<string, string> = { '127.0.0.1': '0 8', '::1': '41 50' };

// A busy machine is slow to start processes.
describeWith(['linux', 'koffi'], 'datagrams in batches', () => {
  let real: Libc;
  let libc: WatchedLibc;
  const open: { close(): unknown }[] = [];

  beforeAll(async () => {
    real = (await loadLibc()) as Libc;
  });
  beforeEach(() => {
    libc = new WatchedLibc(real);
  });
  afterEach(async () => {
    libc.refuse = () => 0;
    for (const one of open.splice(0)) await one.close();
  });

  function sockets(kernelRelease?: string): DatagramSockets {
    return batchedUdpSockets(libc, kernelRelease);
  }

  async function socket(address = '127.0.0.1', from = sockets()): Promise<DatagramSocket> {
    const one = await from.open({ address, port: 0 });
    open.push(one);
    return one;
  }

  /** Node's own socket is the other side: it does not know batches. */
  async function nodeSocket(address: string): Promise<Socket> {
    const one = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    open.push({ close: () => new Promise<void>((resolve) => one.close(() => resolve())) });
    one.bind(0, address);
    await once(one, 'listening');
    one.setRecvBufferSize(4 * 1024 * 1024);
    return one;
  }

  describe.each([['127.0.0.1'], ['::1']])('over %s', (address) => {
    it('sends mixed sizes to several endpoints in order', async () => {
      const [one, left, right] = [
        await socket(address),
        await nodeSocket(address),
        await nodeSocket(address),
      ];
      const got = new Map<Socket, string[]>([
        [left, []],
        [right, []],
      ]);
      for (const [peer, all] of got) {
        peer.on('message', (bytes) => all.push(`${bytes.readUInt32BE()} ${bytes.length}`));
      }
      const sent = new Map<Socket, string[]>([
        [left, []],
        [right, []],
      ]);
      const endpoints = new Map([left, right].map((peer) => [peer, peer.address()] as const));
      const random = sequence(1);
      for (let batch = 0; batch < 100; batch++) {
        const datagrams: Datagram[] = [];
        while (datagrams.length < 40) {
          const peer = random(2) === 0 ? left : right;
          const length = [4, 80, 1452, 4 + random(1449)][random(4)]!;
          for (let run = random(8); run >= 0; run--) {
            const list = sent.get(peer)!;
            list.push(`${list.length} ${length}`);
            datagrams.push({
              bytes: numbered(list.length - 1, length),
              endpoint: endpoints.get(peer)!,
            });
          }
        }
        one.send(datagrams);
        await until(() =>
          [left, right].every((peer) => got.get(peer)!.length === sent.get(peer)!.length),
        );
      }
      expect(got.get(left)).toEqual(sent.get(left));
      expect(got.get(right)).toEqual(sent.get(right));
      expect(one.queuedBytes).toBe(0);
      // Each run left in one call.
      expect(libc.count('sendmsg')).toBeLessThan(3_500);
    });

    it('receives mixed sizes from several senders in order, each sender as one object', async () => {
      const [one, left, right] = [
        await socket(address),
        await nodeSocket(address),
        await nodeSocket(address),
      ];
      const got = new Map<number, Datagram[]>([
        [left.address().port, []],
        [right.address().port, []],
      ]);
      one.onReceive = (datagrams) => {
        expect(datagrams.length).toBeGreaterThan(0);
        for (const datagram of copies(datagrams)) got.get(datagram.endpoint.port)!.push(datagram);
      };
      const random = sequence(2);
      const sizes = new Map<Socket, number[]>([
        [left, []],
        [right, []],
      ]);
      for (let index = 0; index < 3_000; index++) {
        const peer = random(2) === 0 ? left : right;
        const length = 4 + random(1449);
        const list = sizes.get(peer)!;
        peer.send(numbered(list.length, length), one.localPort, address);
        list.push(length);
        // As much as fits into any buffer.
        if (index % 100 === 99) {
          await until(() => sum([...got.values()].map((all) => all.length)) === index + 1);
        }
      }
      for (const [peer, lengths] of sizes) {
        const all = got.get(peer.address().port)!;
        expect(all.map(({ bytes }) => bytes.length)).toEqual(lengths);
        expect(all.map(({ bytes }) => Buffer.from(bytes).readUInt32BE())).toEqual(
          lengths.map((_, index) => index),
        );
        expect(all[0]!.endpoint).toEqual({ address, port: peer.address().port });
        for (const { endpoint } of all) expect(endpoint).toBe(all[0]!.endpoint);
      }
    });

    it('sends a run in one call, and receives it in one call', async () => {
      const [left, right] = [await socket(address), await socket(address)];
      const arrival = received(right, 45);
      libc.resetCounts();
      left.send(run(45, 1452, { address, port: right.localPort }));
      expect(libc.count('sendmsg')).toBe(1);
      const datagrams = await arrival;
      expect(libc.count('recvmsg')).toBeLessThanOrEqual(2);
      expect(datagrams.map(({ bytes }) => bytes.length)).toEqual(new Array(45).fill(1452));
      expect(datagrams.map(({ bytes }) => bytes[3])).toEqual(datagrams.map((_, index) => index));
    });

    it('answers from the address that was asked', async () => {
      const family = address === '::1' ? '::' : '0.0.0.0';
      const [one, peer] = [await socket(family), await socket(address)];
      const controls: string[][] = [];
      libc.refuse = (call, parameters) => {
        if (call === 'sendmsg') controls.push([...libc.sentMessage(parameters[1]).controls]);
        return 0;
      };
      const endpoint = { address, port: peer.localPort };
      one.send(run(1, 10, endpoint));
      const question = received(one, 1);
      peer.send(run(1, 10, { address, port: one.localPort }));
      await question;
      one.send(run(1, 10, endpoint));
      // The peer's socket has one address and does not report it.
      expect(controls).toEqual([[], [], [PACKET_INFO[address]]]);
    });
  });

  it.each([['0.0.0.0'], ['::']])(
    'answers a peer from the address that the peer used, bound to %s',
    async (address) => {
      const [one, peer] = [await socket(address), await nodeSocket('127.0.0.1')];
      one.onReceive = (datagrams) => one.send(datagrams);
      // All of 127.0.0.0/8 is this host; the routing table would choose 127.0.0.1 for an answer.
      for (const asked of ['127.0.0.2', '127.0.0.3']) {
        peer.send('?', one.localPort, asked);
        const [, from] = (await once(peer, 'message')) as [Buffer, { address: string }];
        expect(from.address).toBe(asked);
      }
    },
  );

  it('limits a run to 64 datagrams and one packet, and only its last one may be shorter', async () => {
    const [left, right] = [await socket(), await socket()];
    const endpoint = { address: '127.0.0.1', port: right.localPort };
    const buffers: number[] = [];
    libc.refuse = (call, parameters) => {
      if (call === 'sendmsg') buffers.push(libc.sentMessage(parameters[1]).buffers);
      return 0;
    };
    const arrival = received(right, 65 + 46 + 5 + 3);
    left.send(run(65, 100, endpoint));
    left.send(run(46, 1452, endpoint));
    left.send([100, 100, 60, 60, 100].flatMap((length) => run(1, length, endpoint)));
    left.send([100, 0, 100].flatMap((length) => run(1, length, endpoint)));
    expect(buffers).toEqual([64, 1, 45, 1, 3, 1, 1, 1, 1, 1]);
    const lengths = (await arrival).slice(-8).map(({ bytes }) => bytes.length);
    expect(lengths).toEqual([100, 100, 60, 60, 100, 100, 0, 100]);
  });

  it('separates the datagrams of a turn, and reuses their memory in the next turn', async () => {
    const [left, right] = [await socket(), await socket()];
    const endpoint = { address: '127.0.0.1', port: right.localPort };
    const memories = new Set<ArrayBufferLike>();
    let count = 0;
    right.onReceive = (datagrams) => {
      // Overwrite the bytes, as decryption in place does.
      datagrams.forEach(({ bytes }, index) => bytes.fill(index));
      datagrams.forEach(({ bytes }, index) => {
        expect(bytes.every((byte) => byte === (index & 0xff))).toBe(true);
        memories.add(bytes.buffer);
      });
      count += datagrams.length;
    };
    for (let round = 1; round <= 40; round++) {
      left.send(run(40, 1000, endpoint));
      await until(() => count === round * 40);
    }
    expect(memories.size).toBe(1);
  });

  it.each([
    ['EIO', EIO],
    ['EINVAL', EINVAL],
    ['EMSGSIZE', EMSGSIZE],
    ['ENOPROTOOPT', ENOPROTOOPT],
  ])(
    'permanently sends datagrams one by one after a run was refused with %s',
    async (_name, errno) => {
      const from = sockets();
      const [left, right] = [await socket('127.0.0.1', from), await socket()];
      const endpoint = { address: '127.0.0.1', port: right.localPort };
      let refusals = 0;
      libc.refuse = (call, parameters) => {
        const isRun =
          call === 'sendmsg' && libc.sentMessage(parameters[1]).controls.includes(UDP_SEGMENT);
        if (isRun) refusals++;
        return isRun ? errno : 0;
      };
      const arrival = received(right, 50);
      const failures: Error[] = [];
      left.onError = (error) => failures.push(error);
      left.send(run(20, 1000, endpoint));
      left.send(run(20, 1000, endpoint));
      const other = await socket('127.0.0.1', from);
      other.send(run(10, 1000, endpoint));
      expect((await arrival).map(({ bytes }) => bytes[3])).toEqual(
        [20, 20, 10].flatMap((count) => [...new Array(count).keys()]),
      );
      expect(failures).toEqual([]);
      expect(refusals).toBe(1);
    },
  );

  it('does not disable runs because of an error of each datagram', async () => {
    const [left, right] = [await socket(), await socket()];
    const failures: string[] = [];
    left.onError = (error) => failures.push((error as NodeJS.ErrnoException).code!);
    left.send(run(3, 100, { address: '127.0.0.1', port: 0 }));
    await until(() => failures.length === 3);
    expect(failures).toEqual(['EINVAL', 'EINVAL', 'EINVAL']);
    libc.resetCounts();
    const arrival = received(right, 10);
    left.send(run(10, 100, { address: '127.0.0.1', port: right.localPort }));
    await arrival;
    expect(libc.count('sendmsg')).toBe(1);
  });

  it('works if the kernel supports neither runs nor coalescing', async () => {
    libc.refuse = (call, [, level]) => (call === 'setsockopt' && level === 17 ? ENOPROTOOPT : 0);
    const from = sockets();
    const [left, right] = [await socket('127.0.0.1', from), await socket('127.0.0.1', from)];
    const arrival = received(right, 30);
    libc.resetCounts();
    left.send(run(30, 1452, { address: '127.0.0.1', port: right.localPort }));
    expect(libc.count('sendmsg')).toBe(30);
    expect((await arrival).map(({ bytes }) => bytes[3])).toEqual([...new Array(30).keys()]);
    expect(libc.count('recvmsg')).toBeGreaterThanOrEqual(30);
  });

  it.each([
    ['5.11.22-generic', false],
    ['4.19.0', false],
    ['5.12.0', true],
    ['6.1.0-9-amd64', true],
  ])('lets Linux %s coalesce: %s', async (kernelRelease, coalesces) => {
    const asked: unknown[] = [];
    libc.refuse = (call, [, level, option]) => {
      if (call === 'setsockopt' && level === 17) asked.push(option);
      return 0;
    };
    await socket('127.0.0.1', sockets(kernelRelease));
    expect(asked.includes(104)).toBe(coalesces);
  });

  it('queues datagrams for which the kernel has no room, and sends them later', async () => {
    const [left, right] = [await socket(), await socket()];
    const endpoint = { address: '127.0.0.1', port: right.localPort };
    let room = 2;
    libc.refuse = (call) => (call === 'sendmsg' && room-- <= 0 ? EAGAIN : 0);
    let drains = 0;
    left.onDrain = () => drains++;
    const arrival = received(right, 12);
    left.send([100, 200, 300, 400].flatMap((length) => run(2, length, endpoint)));
    expect(left.queuedBytes).toBe(1_400);
    // After the queued datagrams, even if there is room.
    room = 1;
    left.send(run(4, 50, endpoint));
    expect(left.queuedBytes).toBe(1_600);
    await until(() => left.queuedBytes === 1_000);
    expect(drains).toBe(0);
    room = Infinity;
    const lengths = (await arrival).map(({ bytes }) => bytes.length);
    expect(lengths).toEqual([100, 100, 200, 200, 300, 300, 400, 400, 50, 50, 50, 50]);
    expect(left.queuedBytes).toBe(0);
    await until(() => drains === 1);
    const later = received(right, 1);
    left.send(run(1, 10, endpoint));
    await later;
    expect(drains).toBe(1);
  });

  it('reports a datagram that the kernel refuses, with the code, and stays usable', async () => {
    const one = await socket();
    const failures: [unknown, unknown][] = [];
    one.onError = (error, unsent) => failures.push([(error as { code?: string }).code, unsent]);
    const endpoint = { address: '127.0.0.1', port: one.localPort };
    const long = { bytes: new Uint8Array(65_535), endpoint };
    const nowhere = run(1, 10, { address: 'example.com', port: 1 })[0];
    const otherFamily = run(1, 10, { address: '::1', port: 1 })[0];
    one.send([long, nowhere!, otherFamily!]);
    // Not from within send().
    expect(failures).toEqual([]);
    await until(() => failures.length >= 3);
    libc.refuse = (call) => (call === 'sendmsg' ? EPERM : 0);
    const refused = run(2, 10, endpoint);
    one.send(refused);
    await until(() => failures.length >= 5);
    expect(failures).toEqual([
      ['EMSGSIZE', long],
      ['EINVAL', nowhere],
      ['EINVAL', otherFamily],
      ['EPERM', refused[0]],
      ['EPERM', refused[1]],
    ]);
    libc.refuse = () => 0;
    const arrival = received(one, 1);
    one.send(run(1, 10, endpoint));
    expect(await arrival).toHaveLength(1);
  });

  it('forgets a source address that no longer leads to the peer', async () => {
    const [one, peer] = [await socket('0.0.0.0'), await socket()];
    const question = received(one, 1);
    peer.send(run(1, 10, { address: '127.0.0.1', port: one.localPort }));
    const [{ endpoint } = { endpoint: { address: '', port: 0 } }] = await question;
    const controls: string[] = [];
    libc.refuse = (call, parameters) => {
      if (call !== 'sendmsg') return 0;
      const sent = libc.sentMessage(parameters[1]).controls;
      controls.push(sent.join());
      return sent.includes('0 8') ? ENETUNREACH : 0;
    };
    const answers = received(peer, 2);
    one.send(run(1, 10, endpoint));
    one.send(run(1, 20, endpoint));
    expect((await answers).map(({ bytes }) => bytes.length)).toEqual([10, 20]);
    expect(controls).toEqual(['0 8', '', '']);
  });

  it('reaches IPv4 through an IPv6 socket, with the address text that Node uses', async () => {
    const [one, peer] = [await socket('::'), await socket()];
    const [question, answer] = [received(peer, 1), received(one, 1)];
    one.send(run(1, 10, { address: '::ffff:127.0.0.1', port: peer.localPort }));
    const [asked] = await question;
    peer.send(run(1, 10, asked!.endpoint));
    const [answered] = await answer;
    expect(answered!.endpoint).toEqual({ address: '::ffff:127.0.0.1', port: peer.localPort });
  });

  it('sets the requested octet of the IP header', async () => {
    const marked = (datagrams: readonly Datagram[]) =>
      datagrams.map((datagram) => ({ ...datagram, trafficClass: 0x88 }));
    const endpoints = [await socket(), await socket('::1')].map((one) => ({
      address: one.localAddress,
      port: one.localPort,
    }));
    const controls: string[] = [];
    libc.refuse = (call, parameters) => {
      if (call === 'sendmsg') controls.push(libc.sentMessage(parameters[1]).controls.join());
      return 0;
    };
    (await socket()).send([...marked(run(1, 148, endpoints[0]!)), ...run(2, 100, endpoints[0]!)]);
    (await socket('::')).send(marked(run(1, 148, endpoints[1]!)));
    expect(controls).toEqual(['0 1', UDP_SEGMENT, '41 67']);
  });

  it.each([
    ['IPv4', '127.0.0.1', '127.0.0.1', '127.0.0.1'],
    ['IPv6', '::1', '::1', '::1'],
    ['IPv4 at sockets of IPv6', '::', '::', '::ffff:127.0.0.1'],
  ])('carries that octet, one for each run, %s', async (_name, from, at, to) => {
    const [left, right] = [await socket(from), await socket(at)];
    const endpoint = { address: to, port: right.localPort };
    const classes = [0, 0, 2, 2, 2, 0x88, 1, 3, 3, 0];
    const buffers: number[] = [];
    libc.refuse = (call, parameters) => {
      if (call === 'sendmsg') buffers.push(libc.sentMessage(parameters[1]).buffers);
      return 0;
    };
    const arrival = received(right, classes.length);
    const datagrams = run(classes.length, 1000, endpoint);
    left.send(classes.map((trafficClass, index) => ({ ...datagrams[index]!, trafficClass })));
    expect((await arrival).map(({ trafficClass }) => trafficClass)).toEqual(classes);
    expect(buffers).toEqual([2, 3, 1, 1, 2, 1]);
  });

  it('lets the system choose the source address again if it is in doubt, until a peer uses one', async () => {
    const [one, peer] = [await socket('0.0.0.0'), await nodeSocket('127.0.0.1')];
    const { address, port } = peer.address();
    const sources = async (datagrams: readonly Datagram[]): Promise<string[]> => {
      const from: string[] = [];
      const all = new Promise<void>((resolve) => {
        peer.on('message', (_bytes, sender) => {
          if (from.push(sender.address) === datagrams.length) resolve();
        });
      });
      one.send(datagrams);
      await all;
      peer.removeAllListeners('message');
      return from;
    };
    const ask = async (at: string) => {
      const question = received(one, 1);
      peer.send('?', one.localPort, at);
      await question;
    };
    const [plain] = run(1, 100, { address, port });
    const doubtful = { ...plain!, isSourceInDoubt: true };
    await ask('127.0.0.2');
    // Of equal length, so that they could be one run.
    expect(await sources([plain!, plain!, doubtful, plain!])).toEqual([
      '127.0.0.2',
      '127.0.0.2',
      '127.0.0.1',
      '127.0.0.1',
    ]);
    await ask('127.0.0.3');
    expect(await sources([plain!])).toEqual(['127.0.0.3']);
  });

  it('sends the queued datagrams before it closes, and then nothing more', async () => {
    const [left, right] = [await socket(), await socket()];
    const endpoint = { address: '127.0.0.1', port: right.localPort };
    const arrival = received(right, 50);
    let isFull = true;
    libc.refuse = (call) => (call === 'sendmsg' && isFull ? EAGAIN : 0);
    left.send(run(50, 100, endpoint));
    expect(left.queuedBytes).toBe(5_000);
    const closing = left.close();
    expect(left.close()).toBe(closing);
    isFull = false;
    await closing;
    expect(await arrival).toHaveLength(50);
    left.send(run(1, 100, endpoint));
    expect(left.queuedBytes).toBe(0);
    // The port is free.
    const again = await sockets().open({ address: '127.0.0.1', port: left.localPort });
    await again.close();
  });

  it('closes within a second if the kernel has no room', async () => {
    const one = await socket();
    libc.refuse = (call) => (call === 'sendmsg' ? EAGAIN : 0);
    one.send(run(1, 100, { address: '127.0.0.1', port: one.localPort }));
    await one.close();
  });

  it('refuses a port that is in use, and a mark without the privilege', async () => {
    const one = await socket();
    const taken = { address: '127.0.0.1', port: one.localPort };
    await expect(sockets().open(taken)).rejects.toMatchObject({
      code: 'EADDRINUSE',
      syscall: 'bind',
    });
    libc.refuse = (call, [, , option]) => (call === 'setsockopt' && option === 36 ? EPERM : 0);
    const closed = libc.count('close');
    const marked = { address: '127.0.0.1', port: 0, fwmark: 0xca6c };
    await expect(sockets().open(marked)).rejects.toMatchObject({
      code: 'EPERM',
      syscall: 'setsockopt SO_MARK',
    });
    expect(libc.count('close')).toBe(closed + 1);
  });
});

function numbered(number: number, length: number): Uint8Array {
  const bytes = Buffer.alloc(length);
  if (length >= 4) bytes.writeUInt32BE(number);
  return bytes;
}

/** `count` datagrams, numbered from 0, in one block of memory as packets are. */
function run(count: number, length: number, endpoint: Datagram['endpoint']): Datagram[] {
  const block = new Uint8Array(count * (length + 48) + 64);
  return Array.from({ length: count }, (_, index) => {
    const start = index * (length + 48) + 16;
    const bytes = block.subarray(start, start + length);
    bytes.set(numbered(index, length));
    return { bytes, endpoint };
  });
}

/** The bytes of received datagrams are valid only during the call. */
function copies(datagrams: readonly Datagram[]): Datagram[] {
  return datagrams.map((datagram) => ({ ...datagram, bytes: datagram.bytes.slice() }));
}

function received(one: DatagramSocket, count: number): Promise<Datagram[]> {
  const all: Datagram[] = [];
  return new Promise((resolve) => {
    one.onReceive = (datagrams) => {
      all.push(...copies(datagrams));
      if (all.length >= count) resolve(all);
    };
  });
}

function sequence(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 0x8000_0000;
    return Math.floor((state / 0x8000_0000) * below);
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((left, right) => left + right, 0);
}
