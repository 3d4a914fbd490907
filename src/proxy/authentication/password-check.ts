/** Checks the password of a proxy's clients. */
import type { Socket } from 'node:net';

import { sameBytes } from '../../lib/same-bytes.js';
import type { Secret } from '../../lib/secrets/secret.js';
import type { ClientHead } from '../http/client/client-message.js';
import { fieldValues } from '../http/header-fields.js';

/**
 * How long, in ms, a client waits for the answer to a wrong password. The wait holds only the
 * client's own connection, and the number of connections is limited.
 */
export const WRONG_PASSWORD_DELAY = 1_000;

/** RFC 7617 2.1: the charset tells the client how to encode the password. */
export const CHALLENGE = 'Basic realm="arctun", charset="UTF-8"';

/** The token68 syntax of RFC 9110 11.2, and base64 without its padding, which some clients send. */
const BASIC = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i;

export class PasswordCheck {
  readonly #password: Secret<Uint8Array>;

  /** @param password in UTF-8, not empty */
  constructor(password: Secret<Uint8Array>) {
    this.#password = password;
  }

  /** The time taken does not depend on where the passwords differ. */
  isRight(password: Uint8Array): boolean {
    return sameBytes(password, this.#password.expose());
  }
}

/** The user name and the password that a client has sent, as bytes in UTF-8. */
export interface UserCredentials {
  readonly user: Uint8Array;
  readonly password: Uint8Array;
}

/**
 * Reads the Proxy-Authorization header with the scheme Basic (RFC 7617).
 *
 * @returns `absent` if the header is missing, which a client omits until it is challenged
 */
export function readBasic({
  rawHeaders,
}: Pick<ClientHead, 'rawHeaders'>): UserCredentials | 'absent' | 'malformed' {
  const [value, ...others] = fieldValues({ rawHeaders }, 'proxy-authorization');
  if (value === undefined) return 'absent';
  const [, digits] = BASIC.exec(value) ?? [];
  if (digits === undefined || others.length > 0) return 'malformed';
  const bytes = Buffer.from(digits, 'base64');
  // RFC 7617 2: the user name ends at the first colon.
  const colon = bytes.indexOf(':');
  if (colon < 0) return 'malformed';
  return { user: bytes.subarray(0, colon), password: bytes.subarray(colon + 1) };
}

/** Calls `answer` after WRONG_PASSWORD_DELAY, unless the client disconnects first. */
export function answerLate(socket: Socket, answer: () => void): void {
  // The 'close' listener handles connection errors.
  const onError = () => undefined;
  const onClose = () => clearTimeout(timer);
  const timer = setTimeout(() => {
    socket.off('close', onClose);
    if (!socket.destroyed) answer();
    socket.off('error', onError);
  }, WRONG_PASSWORD_DELAY);
  socket.on('error', onError).once('close', onClose);
}
