/** Faults, and the invariant that must detect each. They show that every invariant can fail. */
import { Device } from '../../src/wireguard/device.js';
import type { CreateDevice } from './end.js';
import {
  delivering,
  sealing,
  Restless,
  Impatient,
  Tireless,
  Sluggish,
  Deaf,
  HardOfHearing,
  misjudgingAge,
  hoarding,
  Leaky,
  loopingBack,
  repeatingCounters,
  constantEntropy,
  credulous,
  startled,
} from './faulty-devices.js';
import type { HourKind } from './plan.js';
import type { Scenario } from './scenario.js';

export interface BrokenDevice {
  readonly fault: string;
  readonly createDevice: CreateDevice;
  /** The kind of hour in which the fault shows. */
  readonly kind: HourKind;
  readonly scenario?: Partial<Scenario>;
  readonly invariant: string;
  /** The invariant's message. */
  readonly says: RegExp;
}

const NO_KEEPALIVE = { persistentKeepalives: { alice: 0, bob: 0 } };

export const BROKEN_DEVICES: readonly BrokenDevice[] = [
  {
    fault: 'delivers each packet twice',
    createDevice: delivering((packet, give) => {
      const copy = packet.slice();
      give(packet);
      give(copy);
    }),
    kind: 'steady',
    invariant: 'delivery',
    says: /twice/,
  },
  {
    fault: 'alters the last byte of a packet',
    createDevice: delivering((packet, give) => {
      packet[packet.length - 1]! ^= 1;
      give(packet);
    }),
    kind: 'steady',
    invariant: 'delivery',
    says: /altered or not sent/,
  },
  {
    fault: 'delivers the padding too',
    createDevice: delivering((packet, give) => {
      const padded = new Uint8Array(packet.length + 1);
      padded.set(packet);
      give(padded);
    }),
    kind: 'steady',
    invariant: 'delivery',
    says: /altered or not sent/,
  },
  {
    fault: 'returns packets to their sender',
    createDevice: loopingBack,
    kind: 'steady',
    invariant: 'delivery',
    says: /a packet of its own/,
  },
  {
    fault: 'accepts unauthentic messages',
    createDevice: sealing((key) => ({
      open: (...parameters) => {
        key.open(...parameters);
        return true;
      },
    })),
    kind: 'rough',
    invariant: 'delivery',
    // OpenSSL overwrites the packet before it checks the tag.
    says: /damaged message|packet that was altered/,
  },
  {
    fault: 'seals two packets under one nonce',
    createDevice: sealing((key) => ({
      seal: (message, offset, length, counter) => {
        key.seal(message, offset, length, counter - (counter % 2));
      },
    })),
    kind: 'steady',
    invariant: 'nonces',
    says: /sealed under counter/,
  },
  {
    fault: 'uses one counter for two messages',
    createDevice: repeatingCounters,
    kind: 'steady',
    invariant: 'nonces',
    says: /sent counter/,
  },
  {
    fault: 'draws the same ephemeral keys in each process',
    createDevice: (options) => new Device({ ...options, entropy: constantEntropy() }),
    kind: 'restarts',
    invariant: 'nonces',
    says: /handshake key was used twice/,
  },
  {
    fault: 'forgets its last timestamp in a restart',
    createDevice: (options) => new Device({ ...options, lastTimestamp: undefined }),
    kind: 'clocks',
    invariant: 'stamps',
    says: /stamped/,
  },
  {
    fault: 'does not notice that its clock jumps',
    createDevice: credulous,
    kind: 'clocks',
    invariant: 'clock-jumps',
    says: /did not notice/,
  },
  {
    fault: 'detects clock jumps that did not happen',
    createDevice: startled,
    kind: 'steady',
    invariant: 'clock-jumps',
    says: /for a jump/,
  },
  {
    fault: 'never wipes its keys',
    createDevice: hoarding,
    kind: 'partitions',
    scenario: NO_KEEPALIVE,
    invariant: 'key-ages',
    says: /holds \d+ keys/,
  },
  {
    fault: 'sends under an old key',
    createDevice: misjudgingAge(179_000, 1_000),
    kind: 'partitions',
    invariant: 'key-ages',
    says: /under a key that is \d+ ms old/,
  },
  {
    fault: 'leaks indices',
    createDevice: (options) => new Leaky(options),
    kind: 'steady',
    invariant: 'key-ages',
    says: /indices in use/,
  },
  {
    fault: 'retries after 2 s',
    createDevice: (options) => new Impatient(options),
    kind: 'partitions',
    invariant: 'timer-rules',
    says: /initiation 2\d{3} ms after its last handshake message/,
  },
  {
    fault: 'never gives up',
    createDevice: (options) => new Tireless(options),
    kind: 'partitions',
    scenario: NO_KEEPALIVE,
    invariant: 'timer-rules',
    says: /for longer than it may/,
  },
  {
    fault: 'rekeys at 100 s',
    createDevice: misjudgingAge(100_000, -20_000),
    kind: 'steady',
    invariant: 'timer-rules',
    says: /initiation for no reason \(on offer\)/,
  },
  {
    fault: 'never rekeys',
    createDevice: misjudgingAge(110_000, 10_000),
    kind: 'steady',
    invariant: 'timer-rules',
    says: /began no handshake that it needed/,
  },
  {
    fault: 'runs its timers late',
    createDevice: (options) => new Sluggish(options),
    kind: 'partitions',
    invariant: 'timer-rules',
    says: /missed a keepalive|failed to retry|began no handshake/,
  },
  {
    fault: 'receives nothing for two minutes after a start',
    createDevice: (options) => new Deaf(options),
    kind: 'steady',
    invariant: 'recovery',
    says: /did not arrive/,
  },
  {
    fault: 'sends while idle',
    createDevice: (options) => new Restless(options),
    kind: 'idle',
    scenario: NO_KEEPALIVE,
    invariant: 'silence',
    says: /in idle time/,
  },
  {
    fault: 'misses every other response',
    createDevice: (options) => new HardOfHearing(options),
    kind: 'steady',
    invariant: 'rekeys',
    says: /rekeys by the initiator/,
  },
];
