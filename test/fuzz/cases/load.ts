/** Enough handshake messages at once that the device requires cookies (whitepaper 5.3). */
import type { Random } from '../../sim/random.js';
import type { Target } from '../target.js';
import { anySource, type FuzzCase } from './case.js';

/** The number of messages at once that requires cookies: an eighth of the kernel's queue. */
const UNDER_LOAD = 512;
/**
 * Load lasts for one second after the last message that exceeded the limit; then the queue drains.
 */
const UNTIL_OVER = 1_100;
const BURST = 5;

/** Puts the device under load, with copies of one cheap message. */
function load(target: Target, random: Random): void {
  const message = new Uint8Array(92);
  message[0] = 2;
  random.bytes(56).forEach((byte, index) => (message[4 + index] = byte));
  target.stranger.forgeMac1(message);
  const source = anySource(random);
  // Earlier messages have left the queue.
  target.pass(UNTIL_OVER);
  for (let count = 1; count <= UNDER_LOAD + 20; count++) {
    const drop = count < UNDER_LOAD ? 'unexpected-response' : 'under-load';
    target.fire(message.slice(), random.chance(0.5) ? source : anySource(random), { drop });
  }
}

export const LOAD: readonly FuzzCase[] = [
  {
    name: 'under load: no mac2, a wrong one, one for another address, the right one, too many',
    weight: 0.02,
    play(target, random) {
      load(target, random);
      const { stranger } = target;
      const source = anySource(random);
      const write = (): Uint8Array => stranger.strayInitiation(target.unixMilliseconds, target.now);
      const wrong = write();
      wrong.set(random.bytes(16), 132);
      target.fire(wrong, source, { drop: 'under-load' });
      const [reply] = target.fire(write(), source, { drop: 'under-load' });
      if (!stranger.takeCookie(reply!.bytes, target.now)) throw new Error('no valid cookie');
      const elsewhere = { address: source.address, port: (source.port + 1) % 65_536 };
      target.fire(write(), elsewhere, { drop: 'under-load' });
      const garbled = write();
      garbled[147] = garbled[147]! ^ 1;
      target.fire(garbled, source, { drop: 'under-load' });
      for (let count = 0; count < BURST; count++) {
        target.fire(write(), source, { drop: 'unknown-peer' });
      }
      target.fire(write(), source, { drop: 'rate-limited' });
      stranger.forgetCookie();
      target.pass(UNTIL_OVER);
      target.fire(write(), source, { drop: 'unknown-peer' });
    },
  },
];
