/** Datagrams that need no knowledge of any key: random bytes, types and lengths. */
import { writeUint32 } from '../../../src/wireguard/messages.js';
import { COOKIE_REPLY, DATA, INITIATION, RESPONSE } from '../../support/message-types.js';
import { anyBytes, anyLength, anySource, type FuzzCase } from './case.js';

const LENGTHS = new Map([
  [INITIATION, 148],
  [RESPONSE, 92],
  [COOKIE_REPLY, 64],
]);
const SHORTEST_DATA = 32;

export const GARBAGE: readonly FuzzCase[] = [
  {
    name: 'random bytes',
    weight: 20,
    play(target, random) {
      const bytes = anyBytes(random, anyLength(random));
      // A non-zero reserved byte makes the message invalid.
      if (bytes.length > 3) bytes[1 + random.below(3)]! |= 1 << random.below(8);
      target.fire(bytes, anySource(random), { drop: 'malformed' });
    },
  },
  {
    name: 'a type that does not exist',
    weight: 5,
    play(target, random) {
      const bytes = anyBytes(random, Math.max(4, anyLength(random)));
      writeUint32(bytes, 0, random.chance(0.3) ? 0 : random.between(5, 255));
      target.fire(bytes, anySource(random), { drop: 'malformed' });
    },
  },
  {
    name: 'reserved bytes that are not zero',
    weight: 5,
    play(target, random) {
      const type = random.between(1, 4);
      const bytes = anyBytes(random, LENGTHS.get(type) ?? random.between(32, 1_500));
      writeUint32(bytes, 0, type);
      bytes[random.between(1, 3)] = random.between(1, 255);
      target.fire(bytes, anySource(random), { drop: 'malformed' });
    },
  },
  {
    name: 'a handshake type with a wrong length',
    weight: 10,
    play(target, random) {
      const type = random.pick([INITIATION, RESPONSE, COOKIE_REPLY]);
      const right = LENGTHS.get(type)!;
      const near = right + random.pick([-32, -16, -1, 1, 16, 32]);
      let length = random.chance(0.5) ? near : Math.max(4, anyLength(random));
      if (length === right) length++;
      const bytes = anyBytes(random, length);
      writeUint32(bytes, 0, type);
      target.fire(bytes, anySource(random), { drop: 'malformed' });
    },
  },
  {
    name: 'random data',
    weight: 10,
    play(target, random) {
      const bytes = anyBytes(random, Math.max(8, anyLength(random)));
      writeUint32(bytes, 0, DATA);
      const drop = bytes.length < SHORTEST_DATA ? 'malformed' : 'unknown-session';
      target.fire(bytes, anySource(random), { drop });
    },
  },
  {
    name: 'a handshake message with random macs',
    weight: 6,
    play(target, random) {
      const type = random.pick([INITIATION, RESPONSE]);
      const bytes = random.bytes(LENGTHS.get(type)!);
      writeUint32(bytes, 0, type);
      target.fire(bytes, anySource(random), { drop: 'bad-mac1' });
    },
  },
];
