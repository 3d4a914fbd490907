/**
 * Mutated real messages: bits flipped, truncated, lengthened, spliced. The expectation is derived
 * from the bytes of the result, from the outside in.
 */
import { readUint32 } from '../../../src/wireguard/messages.js';
import { COOKIE_REPLY, DATA, INITIATION, RESPONSE } from '../../support/message-types.js';
import type { DropReason } from '../../../src/wireguard/drop-reason.js';
import type { Random } from '../../sim/random.js';
import { equalBytes } from '../../sim/bytes.js';
import { senderIndexOf } from '../puppet.js';
import { DEVICE_ENDPOINT } from '../cast.js';
import type { Target } from '../target.js';
import { anyBytes, anySource, type FuzzCase } from './case.js';

/** A message, and the device's expected reaction to it unchanged. */
interface Original {
  readonly bytes: Uint8Array;
  readonly drop: DropReason;
}

/**
 * The length of mac2 at the end of a handshake message: a change in it has an effect only under
 * load.
 */
const MAC2_LENGTH = 16;

function anyOriginal(target: Target, random: Random): Original | undefined {
  const { server, client, knocker, awaited } = target.played;
  const { outstanding } = target;
  switch (random.below(8)) {
    case 0:
      return {
        bytes: target.stranger.strayInitiation(target.unixMilliseconds, target.now),
        drop: 'unknown-peer',
      };
    case 1:
      return {
        bytes: knocker.puppet.strayInitiation(target.unixMilliseconds - 1_000_000, target.now),
        drop: 'replayed-initiation',
      };
    case 2:
      if (outstanding === undefined) return undefined;
      return {
        bytes: awaited.puppet.response(outstanding, target.now, random.bytes(32)),
        drop: 'bad-handshake',
      };
    case 3: {
      if (outstanding === undefined) return undefined;
      const index = senderIndexOf(outstanding);
      const other = random.bytes(148);
      return {
        bytes: awaited.puppet.cookieReply(other, index, DEVICE_ENDPOINT, target.now),
        drop: 'bad-cookie',
      };
    }
    default: {
      const { puppet, counters } = random.chance(0.5) ? server : client;
      const counter = counters.used(random);
      if (counter === undefined) return undefined;
      return { bytes: puppet.data(anyBytes(random, random.below(200)), counter), drop: 'replayed' };
    }
  }
}

function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  switch (random.below(5)) {
    case 0:
      return bytes.slice(0, random.below(bytes.length));
    case 1: {
      const longer = new Uint8Array(bytes.length + random.between(1, 100));
      longer.set(bytes);
      return longer;
    }
    case 2: {
      const spliced = bytes.slice();
      const from = random.below(bytes.length);
      spliced.set(random.bytes(Math.min(bytes.length - from, random.between(1, 32))), from);
      return spliced;
    }
    default: {
      const flipped = bytes.slice();
      const count = random.between(1, 16);
      for (let bit = 0; bit < count; bit++) {
        const offset = random.below(flipped.length);
        flipped[offset] = flipped[offset]! ^ (1 << random.below(8));
      }
      return flipped;
    }
  }
}

/** The expected result of `mutant`. */
function verdict(target: Target, mutant: Uint8Array, original: Original): DropReason {
  if (equalBytes(mutant, original.bytes)) return original.drop;
  const { length } = mutant;
  const type = length < 4 ? 0 : readUint32(mutant, 0);
  switch (type) {
    case INITIATION:
    case RESPONSE: {
      if (length !== (type === INITIATION ? 148 : 92)) return 'malformed';
      if (!target.stranger.hasValidMac1(mutant)) return 'bad-mac1';
      const end = length - MAC2_LENGTH;
      const isSame = equalBytes(mutant.subarray(0, end), original.bytes.subarray(0, end));
      if (!isSame) throw new Error('a mutation has made a valid mac1');
      return original.drop;
    }
    case COOKIE_REPLY:
      return length === 64 ? 'bad-cookie' : 'malformed';
    case DATA:
      return length < 32 ? 'malformed' : verdictOnData(target, mutant);
    default:
      return 'malformed';
  }
}

function verdictOnData(target: Target, mutant: Uint8Array): DropReason {
  const index = readUint32(mutant, 4);
  const { server, client } = target.played;
  const isKnown = [server, client].some(({ puppet }) => puppet.session!.remoteIndex === index);
  if (!isKnown) return 'unknown-session';
  const counter = new DataView(mutant.buffer, mutant.byteOffset).getBigUint64(8, true);
  return counter >= 2n ** 53n - 2n ** 13n - 1n ? 'expired-session' : 'bad-tag';
}

export const MUTANTS: readonly FuzzCase[] = [
  {
    name: 'a real message, changed',
    weight: 40,
    play(target, random) {
      const original = anyOriginal(target, random);
      if (original === undefined) return;
      const mutant = mutate(original.bytes, random);
      const drop = verdict(target, mutant, original);
      target.fire(mutant, anySource(random), { drop });
    },
  },
];
