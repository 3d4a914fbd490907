import { silenceReason, type SilenceSigns } from '../../../src/tunnel/server/server-silence.js';

/** A server that was found, with nothing else known. */
const SIGNS: SilenceSigns = {
  cannotSend: false,
  hasAddress: true,
  lookupFailed: false,
  device: undefined,
  isHandshaking: false,
  hasSession: false,
};

it.each<[string, Partial<SilenceSigns>, string]>([
  ['nothing is known', {}, 'no-answer'],
  ['a handshake has no answer', { device: 'no-answer', isHandshaking: true }, 'no-answer'],
  ['a handshake renews a session', { isHandshaking: true, hasSession: true }, 'no-answer'],
  ['nothing comes back in a session', { device: 'no-data-back', hasSession: true }, 'no-data-back'],
  ['a session is new', { hasSession: true }, 'no-data-back'],
  [
    'nothing comes back for data and a handshake has begun',
    { device: 'no-data-back', isHandshaking: true, hasSession: true },
    'no-answer',
  ],
  ['the name was never found', { hasAddress: false, lookupFailed: true }, 'name-not-found'],
  ['the name is being looked up', { hasAddress: false }, 'name-not-found'],
  [
    'nothing answers and the name is not found again',
    { device: 'no-answer', lookupFailed: true },
    'name-not-found',
  ],
  ['answers do not decrypt', { device: 'wrong-key', lookupFailed: true }, 'wrong-key'],
  ['the server asks for a cookie', { device: 'under-load', lookupFailed: true }, 'under-load'],
  ['the clock is behind', { device: 'clock-behind', lookupFailed: true }, 'clock-behind'],
  [
    'data is missed and the name is not found again',
    { device: 'no-data-back', hasSession: true, lookupFailed: true },
    'no-data-back',
  ],
  ['nothing can be sent', { cannotSend: true }, 'cannot-send'],
  [
    'nothing can be sent and the name was never found',
    { cannotSend: true, hasAddress: false, lookupFailed: true },
    'cannot-send',
  ],
  [
    'nothing can be sent and the name is not found again',
    { cannotSend: true, device: 'no-answer', lookupFailed: true },
    'cannot-send',
  ],
  [
    'nothing can be sent and earlier answers did not decrypt',
    { cannotSend: true, device: 'wrong-key' },
    'cannot-send',
  ],
])('when %s', (_, signs, reason) => {
  expect(silenceReason({ ...SIGNS, ...signs })).toBe(reason);
});
