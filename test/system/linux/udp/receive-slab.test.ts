import { packetBuffer } from '../../../../src/lib/packets/packet-memory.js';
import { type Libc, loadLibc } from '../../../../src/system/linux/libc.js';
import { ReceiveSlab } from '../../../../src/system/linux/udp/receive-slab.js';
import { describeWith } from '../../../support/runner/requirements.js';

describeWith(['linux', 'koffi'], 'memory for received packets', () => {
  let libc: Libc;
  let memset: (address: number, value: number, length: number) => void;
  beforeAll(async () => {
    libc = (await loadLibc()) as Libc;
    memset = libc.bind('uintptr_t memset(uintptr_t, int, unsigned long)');
  });

  it('is where the system writes, each byte once', () => {
    const slab = new ReceiveSlab(libc, 'datagram', 65_535);
    const taken: Uint8Array[] = [];
    const buffers = new Set<ArrayBufferLike>();
    for (let index = 0; index < 1_000; index++) {
      const length = 1 + ((index * 7_919) % 1_500);
      memset(slab.reserve(), index & 0xff, length);
      const part = slab.part(slab.take(length), length);
      buffers.add(part.buffer);
      taken.push(part);
    }
    taken.forEach((part, index) => {
      expect(part.every((byte) => byte === (index & 0xff))).toBe(true);
    });
    // Some hundreds of packets per slab, and never beyond its end.
    expect(buffers.size).toBeLessThan(5);
  });

  it('has room for the longest message, whatever was used before', () => {
    const slab = new ReceiveSlab(libc, 'datagram', 65_535);
    for (let index = 0; index < 20; index++) {
      slab.reserve();
      const start = slab.take(65_535);
      expect(slab.part(start, 65_535).byteLength).toBe(65_535);
    }
  });

  it('is the same memory for all descriptors of a thread, in which WebAssembly sums', () => {
    const slabs = [new ReceiveSlab(libc, 'frame', 100), new ReceiveSlab(libc, 'datagram', 65_535)];
    const [one, other] = slabs.map((slab) => {
      slab.reuse();
      slab.reserve();
      return slab.part(slab.take(50), 50);
    });
    expect([other?.buffer, other?.byteOffset]).toEqual([one?.buffer, one?.byteOffset]);
    expect(one?.buffer).toBe(packetBuffer());
  });

  it('returns to this memory after a turn that needed more', () => {
    const slab = new ReceiveSlab(libc, 'datagram', 65_535);
    const first = slab.reserve();
    for (let index = 0; index < 20; index++) {
      slab.take(65_535);
      slab.reserve();
    }
    slab.reuse();
    expect(slab.reserve()).toBe(first);
  });

  it('reuses memory that was reserved but not used', () => {
    const slab = new ReceiveSlab(libc, 'datagram', 100);
    const address = slab.reserve();
    expect(slab.reserve()).toBe(address);
    slab.take(3);
    expect(slab.reserve()).toBe(address + 256);
  });

  it('returns the same view for the same place after reuse()', () => {
    const slab = new ReceiveSlab(libc, 'datagram', 2_000);
    const parts = (lengths: readonly number[]) =>
      lengths.map((length) => {
        slab.reserve();
        return slab.part(slab.take(length), length);
      });
    const first = parts([1_500, 1_500, 100]);
    slab.reuse();
    parts([1_500, 1_500, 100]).forEach((part, index) => expect(part).toBe(first[index]));
    slab.reuse();
    // Small datagrams also have views of their own.
    const small = parts([96, 104, 96]);
    slab.reuse();
    parts([96, 104, 96]).forEach((part, index) => expect(part).toBe(small[index]));
    slab.reuse();
    const others = parts([1_496, 1_500, 100, 100]);
    expect(others.map(({ length }) => length)).toEqual([1_496, 1_500, 100, 100]);
    const [{ byteOffset: start } = first[0]!] = others;
    const offsets = others.map(({ byteOffset }) => byteOffset - start);
    expect(offsets).toEqual([0, 1_536, 3_072, 3_328]);
  });

  it('returns the same view although a message of another kind was there', () => {
    const [slab, other] = [
      new ReceiveSlab(libc, 'datagram', 2_000),
      new ReceiveSlab(libc, 'frame', 2_000),
    ];
    const partOf = (reader: ReceiveSlab, length: number) => {
      reader.reuse();
      reader.reserve();
      return reader.part(reader.take(length), length);
    };
    const first = partOf(slab, 1_500);
    expect(partOf(other, 60)).toHaveLength(60);
    expect(partOf(slab, 1_500)).toBe(first);
  });

  it('never returns a view of other memory', () => {
    const slab = new ReceiveSlab(libc, 'datagram', 65_535);
    const partAtStart = (value: number) => {
      memset(slab.reserve(), value, 100);
      return slab.part(slab.take(65_535), 100);
    };
    const first = partAtStart(1);
    let last = first;
    for (let index = 0; index < 20; index++) last = partAtStart(2);
    expect(last.buffer).not.toBe(first.buffer);
    expect([first[0], last[0]]).toEqual([1, 2]);
    slab.reuse();
    expect(partAtStart(3)).toBe(first);
  });
});
