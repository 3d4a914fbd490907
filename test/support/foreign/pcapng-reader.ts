/**
 * Reads files from src/tunnel/capture/pcapng.ts, based only on the draft: little-endian, with every
 * length checked.
 */

export interface PcapngBlock {
  readonly type: number;
  readonly body: Buffer;
}

export interface PcapngPacket {
  readonly interfaceId: number;
  readonly microseconds: number;
  readonly direction: 'in' | 'out' | undefined;
  readonly bytes: Buffer;
}

export interface Pcapng {
  readonly application: string | undefined;
  readonly interfaces: readonly string[];
  /** Packets and key lines in file order. */
  readonly contents: readonly (PcapngPacket | string)[];
  readonly packets: readonly PcapngPacket[];
  /** All lines of the key log. */
  readonly keyLog: string;
  /** Packets received and dropped, per interface. */
  readonly statistics: readonly (readonly [number, number])[];
}

/** @throws Error if a length is wrong or a block is truncated */
export function readBlocks(bytes: Buffer): PcapngBlock[] {
  const blocks: PcapngBlock[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const length = bytes.readUInt32LE(offset + 4);
    if (length % 4 !== 0 || length < 12 || offset + length > bytes.length) {
      throw new Error(`a block of ${length} bytes at ${offset} of ${bytes.length}`);
    }
    if (bytes.readUInt32LE(offset + length - 4) !== length) throw new Error('two lengths differ');
    blocks.push({
      type: bytes.readUInt32LE(offset),
      body: bytes.subarray(offset + 8, offset + length - 4),
    });
    offset += length;
  }
  return blocks;
}

export function readPcapng(bytes: Buffer): Pcapng {
  const contents: (PcapngPacket | string)[] = [];
  const interfaces: string[] = [];
  const statistics: (readonly [number, number])[] = [];
  let application: string | undefined;
  for (const [index, { type, body }] of readBlocks(bytes).entries()) {
    if ((type === 0x0a0d0d0a) !== (index === 0)) throw new Error('one section begins the file');
    switch (type) {
      case 0x0a0d0d0a:
        application = options(body.subarray(16)).get(4)?.toString();
        break;
      case 1:
        if (contents.length > 0) throw new Error('an interface behind a packet');
        interfaces.push(options(body.subarray(8)).get(2)?.toString() ?? '');
        break;
      case 5: {
        const found = options(body.subarray(12));
        statistics[body.readUInt32LE(0)] = [uint64(found.get(4)), uint64(found.get(5))];
        break;
      }
      case 6:
        contents.push(packetOf(body));
        break;
      case 10: {
        if (body.readUInt32LE(0) !== 0x57474b4c) throw new Error('secrets of another kind');
        contents.push(body.toString('latin1', 8, 8 + body.readUInt32LE(4)));
        break;
      }
      default:
        throw new Error(`a block of type ${type}`);
    }
  }
  const isPacket = (item: PcapngPacket | string): item is PcapngPacket => typeof item !== 'string';
  return {
    application,
    interfaces,
    contents,
    packets: contents.filter(isPacket),
    keyLog: contents.filter((item) => typeof item === 'string').join(''),
    statistics,
  };
}

function packetOf(body: Buffer): PcapngPacket {
  const length = body.readUInt32LE(12);
  if (body.readUInt32LE(16) !== length) throw new Error('a packet that is not whole');
  const flags = options(body.subarray(20 + ((length + 3) & ~3))).get(2);
  return {
    interfaceId: body.readUInt32LE(0),
    microseconds: body.readUInt32LE(4) * 2 ** 32 + body.readUInt32LE(8),
    direction: ([undefined, 'in', 'out'] as const)[(flags?.[0] ?? 0) & 3],
    bytes: body.subarray(20, 20 + length),
  };
}

function options(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  if (bytes.length === 0) return found;
  for (let offset = 0; ;) {
    const code = bytes.readUInt16LE(offset);
    const length = bytes.readUInt16LE(offset + 2);
    offset += 4;
    if (code === 0) {
      if (length !== 0 || offset !== bytes.length) throw new Error('options do not end the block');
      return found;
    }
    found.set(code, bytes.subarray(offset, offset + length));
    offset += (length + 3) & ~3;
  }
}

function uint64(bytes: Buffer | undefined): number {
  return bytes === undefined ? NaN : Number(bytes.readBigUInt64LE());
}
