/**
 * Searches the memory of another process for secrets, with the permissions of a debugger. Linux
 * only.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** A secret to search for: 32 bytes with a name. */
export interface Secret {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface Finding {
  readonly name: string;
  /** The part of the secret, and its encoding. */
  readonly form: string;
  /** The mapping that contains it: `[heap]`, `[stack]`, a file, or nothing. */
  readonly where: string;
}

const CHUNK = 4 * 1024 * 1024;

/**
 * All places in writable memory that contain at least half of a secret. Halves, because an
 * allocator overwrites the first bytes of freed memory with its links.
 */
export function findInMemory(pid: number, secrets: readonly Secret[]): Finding[] {
  const search = new Search(secrets);
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const { start, end, where } of writableMappings(pid)) {
      for (let from = start; from < end; from += CHUNK) {
        // Chunks overlap by the length of the longest searched form.
        const chunk = readMapped(memory, from, Math.min(CHUNK + search.longest, end - from));
        search.run(chunk, where);
      }
    }
  } finally {
    closeSync(memory);
  }
  return search.findings;
}

function writableMappings(pid: number): { start: number; end: number; where: string }[] {
  const maps = readFileSync(`/proc/${pid}/maps`, 'utf8');
  return [...maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw\S+ \S+ \S+ \S+ *(.*)$/gm)].map(
    ([, start, end, where]) => ({
      start: parseInt(start!, 16),
      end: parseInt(end!, 16),
      where: where!,
    }),
  );
}

/** Mappings that cannot be read, such as a driver's guard page, contain nothing. */
function readMapped(memory: number, from: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let count = 0;
  try {
    while (count < length) {
      const read = readSync(memory, bytes, count, length - count, from + count);
      if (read === 0) break;
      count += read;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
  }
  return bytes.subarray(0, count);
}

interface Needle {
  readonly name: string;
  readonly form: string;
  readonly bytes: Uint8Array;
}

/** Searches for many patterns in one pass, by their first two bytes. */
class Search {
  readonly findings: Finding[] = [];
  readonly longest: number;
  readonly #byPrefix = new Map<number, Needle[]>();
  readonly #isPrefix = new Uint8Array(0x1_0000);

  constructor(secrets: readonly Secret[]) {
    const needles = secrets.flatMap(needlesOf);
    this.longest = Math.max(0, ...needles.map(({ bytes }) => bytes.length));
    for (const needle of needles) {
      const prefix = needle.bytes[0]! * 256 + needle.bytes[1]!;
      this.#isPrefix[prefix] = 1;
      this.#byPrefix.set(prefix, [...(this.#byPrefix.get(prefix) ?? []), needle]);
    }
  }

  run(chunk: Buffer, where: string): void {
    let prefix = 0;
    for (let index = 0; index < chunk.length; index++) {
      prefix = ((prefix << 8) | chunk[index]!) & 0xffff;
      if (this.#isPrefix[prefix] === 1) this.#check(chunk, index - 1, prefix, where);
    }
  }

  #check(chunk: Buffer, offset: number, prefix: number, where: string): void {
    if (offset < 0) return;
    for (const { name, form, bytes } of this.#byPrefix.get(prefix)!) {
      const there = chunk.subarray(offset, offset + bytes.length);
      if (there.equals(bytes)) this.findings.push({ name, form, where });
    }
  }
}

function needlesOf({ name, bytes }: Secret): Needle[] {
  const key = Buffer.from(bytes);
  const reversed = Buffer.from(key).reverse();
  const forms: [string, Buffer][] = [
    ['its first half', key.subarray(0, 16)],
    ['its middle', key.subarray(8, 24)],
    ['its second half', key.subarray(16)],
    ['its middle, reversed', reversed.subarray(8, 24)],
    ['hex of its middle', Buffer.from(key.toString('hex').slice(16, 48))],
    ['hex of its middle, reversed', Buffer.from(reversed.toString('hex').slice(16, 48))],
    // 6 bytes in 8 characters, so that the middle begins and ends at a group boundary.
    ['base64 of its middle', Buffer.from(key.toString('base64').slice(8, 32))],
    [
      'its middle, padded for the inner hash of HMAC',
      key.subarray(8, 24).map((byte) => byte ^ 0x36) as Buffer,
    ],
    [
      'its middle, padded for the outer hash of HMAC',
      key.subarray(8, 24).map((byte) => byte ^ 0x5c) as Buffer,
    ],
  ];
  // A cipher for vectors copies each word into all lanes of a register.
  for (let word = 0; word < key.length; word += 4) {
    const lane = key.subarray(word, word + 4);
    forms.push([`its word ${word / 4} in four lanes`, Buffer.concat([lane, lane, lane, lane])]);
  }
  return forms.map(([form, needle]) => ({ name, form, bytes: needle }));
}
