/** Loads checksum.wat, which computes checksums of packets in the memory of src/lib/packets/packet-memory.ts. */
import { packetMemory } from '../lib/packets/packet-memory.js';
import { CHECKSUM_CODE } from './checksum-code.js';

/** All parameters are offsets in packetBuffer(). checksum.wat describes the functions. */
export interface ChecksumProgram {
  readonly sum: (start: number, end: number) => number;
  readonly copyAndSum: (to: number, start: number, end: number) => number;
}

let program: ChecksumProgram | undefined;
let hasFailed = false;

/** Returns the program of this thread; undefined if there is no packet memory, or no SIMD. */
export function checksumProgram(): ChecksumProgram | undefined {
  if (program === undefined && !hasFailed) load();
  return program;
}

function load(): void {
  const packets = packetMemory();
  if (packets === undefined) return;
  try {
    const module = new WebAssembly.Module(bytesOf(CHECKSUM_CODE));
    const { exports } = new WebAssembly.Instance(module, { packets: { memory: packets } });
    const { sum, copyAndSum } = exports as unknown as ChecksumProgram;
    program = { sum, copyAndSum };
  } catch {
    // V8 refuses SIMD on processors without SSE4.1 or NEON.
    hasFailed = true;
  }
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
