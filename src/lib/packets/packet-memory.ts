/**
 * Memory for packets in which WebAssembly can compute (src/wire/checksum-program.ts). Each thread has
 * one. It is never freed, so use it only for memory that is needed as long as the thread runs.
 */

import { PacketBytes } from './packet-bytes.js';

/** The size of WebAssembly's page, in bytes. */
const PAGE = 64 * 1024;

/** Space for a slab of received packets and a slab of sent packets. */
const PAGES = 16;

let memory: WebAssembly.Memory | undefined;
let buffer: ArrayBuffer | undefined;
/** V8 collects garbage before it fails, so a second attempt would only cost time. */
let hasFailed = false;
let used = 0;

/**
 * Returns `size` bytes for one purpose; undefined if not so many are left, or if WebAssembly is not
 * available.
 */
export function allocatePacketMemory(size: number): PacketBytes | undefined {
  if (memory === undefined && !hasFailed) createMemory();
  if (buffer === undefined || used + size > PAGES * PAGE) return undefined;
  const start = used;
  used += size;
  return new PacketBytes(buffer, start, size);
}

/** The buffer of this thread's memory; undefined if nothing was allocated. */
export function packetBuffer(): ArrayBuffer | undefined {
  return buffer;
}

/** Returns this thread's memory; undefined if nothing was allocated. */
export function packetMemory(): WebAssembly.Memory | undefined {
  return memory;
}

function createMemory(): void {
  try {
    memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
    buffer = memory.buffer;
  } catch {
    // Node.js has no WebAssembly with --jitless. With a limit for virtual memory (RLIMIT_AS), the
    // 8 GiB of addresses that V8 reserves can be too many.
    hasFailed = true;
  }
}
