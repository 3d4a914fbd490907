/** Cookie replies, requested and unsolicited. */
import {
  COOKIE_REPLY,
  MESSAGE_COOKIE_REPLY,
  writeUint32,
} from '../../../src/wireguard/messages.js';
import type { Random } from '../../sim/random.js';
import { senderIndexOf } from '../puppet.js';
import { DEVICE_ENDPOINT, LIVE } from '../cast.js';
import { anySource, type FuzzCase } from './case.js';

function randomReply(random: Random, receiverIndex: number): Uint8Array {
  const bytes = random.bytes(COOKIE_REPLY.length);
  writeUint32(bytes, 0, MESSAGE_COOKIE_REPLY);
  writeUint32(bytes, COOKIE_REPLY.receiverIndex, receiverIndex);
  return bytes;
}

export const COOKIES: readonly FuzzCase[] = [
  {
    name: 'a random cookie reply',
    weight: 5,
    play(target, random) {
      const bytes = randomReply(random, random.uint32());
      target.fire(bytes, anySource(random), { drop: 'bad-cookie' });
    },
  },
  {
    name: 'a random cookie for a session, or for the handshake under way',
    weight: 5,
    play(target, random) {
      const { session } = target.played[random.pick(LIVE)].puppet;
      const awaited = target.outstanding && senderIndexOf(target.outstanding);
      const index = random.chance(0.5) ? session!.remoteIndex : (awaited ?? random.uint32());
      target.fire(randomReply(random, index), anySource(random), { drop: 'bad-cookie' });
    },
  },
  {
    name: 'a cookie for another message',
    weight: 1,
    play(target, random) {
      if (target.outstanding === undefined) return;
      const { puppet } = target.played.awaited;
      const other = target.outstanding.slice();
      // Changes the mac1 to which the cookie is bound.
      other[COOKIE_REPLY.length + 60] = other[COOKIE_REPLY.length + 60]! ^ 1;
      const index = senderIndexOf(target.outstanding);
      const bytes = puppet.cookieReply(other, index, DEVICE_ENDPOINT, target.now);
      target.fire(bytes, anySource(random), { drop: 'bad-cookie' });
    },
  },
  {
    name: 'the right cookie, its recording, and its use',
    weight: 0.3,
    play(target, random) {
      if (target.outstanding === undefined || !target.isCookieOutstanding) return;
      const { puppet } = target.played.awaited;
      const { outstanding } = target;
      const index = senderIndexOf(outstanding);
      const issuedAt = target.now;
      const bytes = puppet.cookieReply(outstanding, index, DEVICE_ENDPOINT, issuedAt);
      const recording = bytes.slice();
      target.fire(bytes, anySource(random), { take: 'silently' });
      target.isCookieOutstanding = false;
      target.fire(recording, anySource(random), { drop: 'bad-cookie' });
      target.pass(6_000);
      const next = target.outstanding;
      if (next === outstanding) throw new Error('no retry after a cookie');
      // Checked at the time of issue, because the cookie secret may have been replaced since.
      if (!puppet.hasValidMac2(next, DEVICE_ENDPOINT, issuedAt)) {
        throw new Error('the cookie was not used');
      }
    },
  },
];
