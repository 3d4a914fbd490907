import type { Crypto } from '../../crypto/crypto.js';
import { copySecret } from '../../lib/secrets/secret-bytes.js';
import { CONSTRUCTION, IDENTIFIER, KEY_LENGTH } from '../constants.js';
import { asciiBytes } from './cookie.js';
import type { HandshakeOptions } from '../noise/handshake-state.js';

const PROTOCOL_NAME = asciiBytes(CONSTRUCTION);
const PROLOGUE = asciiBytes(IDENTIFIER);

/** The device's static key pair. Contains a copy of the private key and never prints it. */
export class Identity implements HandshakeOptions {
  readonly protocolName = PROTOCOL_NAME;
  readonly prologue = PROLOGUE;
  readonly publicKey: Uint8Array;
  /** Whether the private key is 32 zero bytes, which means "no key" in WireGuard's tools. */
  readonly isNone: boolean;
  readonly #crypto: Crypto;
  readonly #privateKey: Uint8Array;

  /** @throws RangeError if `privateKey` is not 32 bytes */
  constructor(crypto: Crypto, privateKey: Uint8Array) {
    if (privateKey.length !== KEY_LENGTH)
      throw new RangeError('a private key must be 32 bytes long');
    this.#crypto = crypto;
    this.#privateKey = copySecret(privateKey);
    this.isNone = privateKey.every((byte) => byte === 0);
    this.publicKey = crypto.publicKey(this.#privateKey);
  }

  get privateKey(): Uint8Array {
    return this.#privateKey;
  }

  wipe(): void {
    this.#crypto.forget(this.#privateKey);
  }
}
