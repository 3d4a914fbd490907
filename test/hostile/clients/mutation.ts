/** Random changes to messages, from a seed. */
import { seededRandom } from '../../support/pairs/netstack-pair.js';

// A lookup of a global object takes microseconds in Jest's context.
const { floor } = Math;
const Bytes = Uint8Array;

/** Returns a whole number from 0 to `limit` - 1. */
export type Below = (limit: number) => number;

export function randomBelow(seed: number): Below {
  const random = seededRandom(seed);
  return (limit) => floor(random() * limit);
}

export const latin1 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

export function oneOf<T>(list: readonly T[], below: Below): T {
  return list[below(list.length)]!;
}

/** Returns a copy with changed, removed, repeated and inserted bytes; sometimes without any change. */
export function mutated(bytes: Uint8Array, below: Below): Uint8Array {
  let copy = bytes;
  for (let changes = below(5); changes > 0; changes--) copy = changed(copy, below);
  return copy;
}

function changed(bytes: Uint8Array, below: Below): Uint8Array {
  const at = below(bytes.length + 1);
  switch (below(6)) {
    case 0:
      return joined(bytes.subarray(0, at), [below(256)], bytes.subarray(at + 1));
    case 1:
      return joined(bytes.subarray(0, at), [], bytes.subarray(at + 1 + below(4)));
    case 2: {
      const inserted = Array.from({ length: below(40) }, () => below(256));
      return joined(bytes.subarray(0, at), inserted, bytes.subarray(at));
    }
    case 3:
      return bytes.slice(0, at);
    case 4: {
      const repeated = bytes.subarray(at, at + below(20));
      return joined(bytes.subarray(0, at), [...repeated, ...repeated], bytes.subarray(at));
    }
    default:
      return joined(bytes.subarray(0, at), [oneOf(LIMITS, below)], bytes.subarray(at + 1));
  }
}

const LIMITS = [0, 1, 0x0a, 0x0d, 0x20, 0x3a, 0x7f, 0x80, 0xc0, 0xff];

function joined(head: Uint8Array, middle: readonly number[], rest: Uint8Array): Uint8Array {
  const all = new Bytes(head.length + middle.length + rest.length);
  all.set(head);
  all.set(middle, head.length);
  all.set(rest, head.length + middle.length);
  return all;
}
