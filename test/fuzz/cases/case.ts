import type { Endpoint } from '../../../src/ports/datagram.js';
import type { Random } from '../../sim/random.js';
import type { Target } from '../target.js';

/** One kind of attack. */
export interface FuzzCase {
  readonly name: string;
  /** The relative frequency of the case. */
  readonly weight: number;
  /** Fires one or more datagrams; none if the case is not possible now. */
  readonly play: (target: Target, random: Random) => void;
}

/** Any address and port. */
export function anySource(random: Random): Endpoint {
  const port = random.below(65_536);
  if (random.chance(0.5)) {
    const parts = Array.from({ length: 4 }, () => random.below(256));
    return { address: parts.join('.'), port };
  }
  const groups = Array.from({ length: 8 }, () => random.between(1, 0xffff).toString(16));
  return { address: groups.join(':'), port };
}

/** Mostly the lengths of real datagrams, sometimes any up to 65,535. */
export function anyLength(random: Random): number {
  switch (random.below(8)) {
    case 0:
      return random.below(65_536);
    case 1:
      return random.pick([0, 1, 3, 4, 31, 32, 33, 63, 64, 65, 91, 92, 93, 147, 148, 149, 65_535]);
    default:
      return random.below(1_500);
  }
}

/** Random bytes; long ones repeat a random block, because their content does not matter. */
export function anyBytes(random: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const block = random.bytes(Math.min(length, 256));
  for (let offset = 0; offset < length; offset += block.length) {
    bytes.set(block.subarray(0, Math.min(block.length, length - offset)), offset);
  }
  return bytes;
}
