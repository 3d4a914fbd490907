/** Initiations and responses with a valid mac1: the sender knows the device's public key. */
import {
  MESSAGE_INITIATION,
  MESSAGE_RESPONSE,
  RESPONSE,
  INITIATION,
  writeUint32,
} from '../../../src/wireguard/messages.js';
import type { Random } from '../../sim/random.js';
import { senderIndexOf, type Puppet } from '../puppet.js';
import { LIVE } from '../cast.js';
import type { Target } from '../target.js';
import { anySource, type FuzzCase } from './case.js';

/**
 * Milliseconds between two initiations, so that their timestamps differ and they are not a flood.
 */
const BETWEEN_INITIATIONS = 25;

/** Flips a bit between two offsets. */
function flip(bytes: Uint8Array, from: number, to: number, random: Random): void {
  const offset = random.between(from, to - 1);
  bytes[offset] = bytes[offset]! ^ (1 << random.below(8));
}

function freshInitiation(target: Target, puppet: Puppet): Uint8Array {
  target.pass(BETWEEN_INITIATIONS);
  return puppet.initiation(target.unixMilliseconds, target.now);
}

export const INITIATIONS: readonly FuzzCase[] = [
  {
    name: 'valid mac1 over garbage',
    weight: 4,
    play(target, random) {
      const bytes = random.bytes(INITIATION.length);
      writeUint32(bytes, 0, MESSAGE_INITIATION);
      target.stranger.forgeMac1(bytes);
      target.fire(bytes, anySource(random), { drop: 'bad-handshake' });
    },
  },
  {
    name: 'valid mac1 over an ephemeral key of low order',
    weight: 1,
    play(target, random) {
      const bytes = target.stranger.strayInitiation(target.unixMilliseconds, target.now);
      bytes.set(new Uint8Array(32).fill(random.below(2), 0, 1), INITIATION.ephemeral);
      target.stranger.forgeMac1(bytes);
      target.fire(bytes, anySource(random), { drop: 'bad-handshake' });
    },
  },
  {
    name: 'a valid initiation from a stranger',
    weight: 2,
    play(target, random) {
      const bytes = target.stranger.strayInitiation(target.unixMilliseconds, target.now);
      target.fire(bytes, anySource(random), { drop: 'unknown-peer' });
    },
  },
  {
    name: 'an initiation of a peer, damaged under a valid mac1',
    weight: 2,
    play(target, random) {
      const { puppet } = target.played.knocker;
      const bytes = puppet.strayInitiation(target.unixMilliseconds + 60_000, target.now);
      flip(bytes, INITIATION.static, INITIATION.mac1, random);
      puppet.forgeMac1(bytes);
      target.fire(bytes, puppet.endpoint, { drop: 'bad-handshake' });
    },
  },
  {
    name: 'a handshake, its recording, and data in it',
    weight: 1,
    play(target, random) {
      const { puppet, counters } = target.played.knocker;
      const bytes = freshInitiation(target, puppet);
      const recording = bytes.slice();
      const source = random.chance(0.5) ? puppet.endpoint : anySource(random);
      const sent = target.fire(bytes, source, { answer: 'response' });
      const replays = random.between(1, 3);
      for (let replay = 0; replay < replays; replay++) {
        if (random.chance(0.5)) target.pass(random.between(1, 50));
        target.fire(recording.slice(), anySource(random), { drop: 'replayed-initiation' });
      }
      if (!puppet.takeResponse(sent[0]!.bytes, target.now)) throw new Error('a bad response');
      counters.reset();
      const confirmation = puppet.data(new Uint8Array(0), counters.next());
      target.fire(confirmation, puppet.endpoint, { take: 'silently' });
    },
  },
  {
    name: 'two handshakes in less than 20 ms',
    weight: 1,
    play(target, random) {
      const { puppet } = target.played.knocker;
      target.fire(freshInitiation(target, puppet), puppet.endpoint, { answer: 'response' });
      const later = puppet.strayInitiation(target.unixMilliseconds + 1_000, target.now);
      target.pass(random.below(20));
      target.fire(later, puppet.endpoint, { drop: 'initiation-flood' });
    },
  },
  {
    name: 'an initiation with an old stamp',
    weight: 2,
    play(target, random) {
      const { puppet } = target.played.knocker;
      target.fire(freshInitiation(target, puppet), puppet.endpoint, { answer: 'response' });
      const age = random.pick([0, 20, 1_000, 86_400_000, target.unixMilliseconds]);
      const older = puppet.strayInitiation(target.unixMilliseconds - age, target.now);
      target.pass(random.between(20, 40));
      target.fire(older, puppet.endpoint, { drop: 'replayed-initiation' });
    },
  },
];

/** A random response with a valid mac1, for `receiverIndex`. */
function forgedResponse(target: Target, random: Random, receiverIndex: number): Uint8Array {
  const bytes = random.bytes(RESPONSE.length);
  writeUint32(bytes, 0, MESSAGE_RESPONSE);
  writeUint32(bytes, RESPONSE.receiverIndex, receiverIndex);
  return target.stranger.forgeMac1(bytes);
}

export const RESPONSES: readonly FuzzCase[] = [
  {
    name: 'a response to nothing',
    weight: 3,
    play(target, random) {
      const bytes = forgedResponse(target, random, random.uint32());
      target.fire(bytes, anySource(random), { drop: 'unexpected-response' });
    },
  },
  {
    name: 'a response to a session that stands',
    weight: 2,
    play(target, random) {
      const { session } = target.played[random.pick(LIVE)].puppet;
      const bytes = forgedResponse(target, random, session!.remoteIndex);
      target.fire(bytes, anySource(random), { drop: 'unexpected-response' });
    },
  },
  {
    name: 'garbage for the handshake under way',
    weight: 3,
    play(target, random) {
      if (target.outstanding === undefined) return;
      const bytes = forgedResponse(target, random, senderIndexOf(target.outstanding));
      target.fire(bytes, anySource(random), { drop: 'bad-handshake' });
    },
  },
  {
    name: 'a response with another pre-shared key',
    weight: 1,
    play(target, random) {
      if (target.outstanding === undefined) return;
      const { puppet } = target.played.awaited;
      const bytes = puppet.response(target.outstanding, target.now, random.bytes(32));
      target.fire(bytes, puppet.endpoint, { drop: 'bad-handshake' });
    },
  },
  {
    name: 'a response of the peer, damaged under a valid mac1',
    weight: 1,
    play(target, random) {
      if (target.outstanding === undefined) return;
      const { puppet } = target.played.awaited;
      const bytes = puppet.response(target.outstanding, target.now);
      flip(bytes, RESPONSE.ephemeral, RESPONSE.mac1, random);
      puppet.forgeMac1(bytes);
      target.fire(bytes, puppet.endpoint, { drop: 'bad-handshake' });
    },
  },
  {
    name: 'the right response, and its recording',
    weight: 1,
    play(target, random) {
      if (target.outstanding === undefined) return;
      const { puppet } = target.played.awaited;
      const bytes = puppet.response(target.outstanding, target.now);
      const recording = bytes.slice();
      const sent = target.fire(bytes, anySource(random), { answer: 'confirmation' });
      if (puppet.open(sent[0]!.bytes)?.length !== 0) throw new Error('no confirmation');
      target.answered();
      target.fire(recording, puppet.endpoint, { drop: 'unexpected-response' });
    },
  },
];
