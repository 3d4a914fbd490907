/**
 * A Crypto that reports the creation and wiping of keys and the nonces they seal with. It observes
 * the cipher itself, independently of the protocol's counters.
 */
import type { Crypto, TransportKey } from '../../src/crypto/crypto.js';
import type { End } from './end.js';
import type { Details, Happening } from './invariant.js';

/** One copy of a transport key, in one process. */
export interface KeyRecord {
  /** The key as text: equal bytes mean the same key. */
  readonly fingerprint: string;
  readonly end: End;
  readonly incarnation: number;
  /** By the monotonic clock of its end, and in virtual time. */
  readonly createdAt: number;
  readonly createdAtVirtual: number;
  isWiped: boolean;
}

export interface KeyWatcher {
  readonly virtualNow: number;
  tell<Name extends Happening>(name: Name, ...details: Details<Name>): void;
}

export function recordingCrypto(crypto: Crypto, end: End, watcher: KeyWatcher): Crypto {
  return {
    ...crypto,
    seal: (key, nonce, plaintext, data) => {
      watcher.tell('handshakeSealed', textOf(key), textOf(nonce));
      return crypto.seal(key, nonce, plaintext, data);
    },
    transportKey: (key) => {
      const record: KeyRecord = {
        fingerprint: textOf(key),
        end,
        incarnation: end.incarnation,
        createdAt: end.now,
        createdAtVirtual: watcher.virtualNow,
        isWiped: false,
      };
      watcher.tell('keyCreated', record);
      return new RecordedKey(crypto.transportKey(key), record, watcher);
    },
  };
}

class RecordedKey implements TransportKey {
  readonly #key: TransportKey;
  readonly #record: KeyRecord;
  readonly #watcher: KeyWatcher;

  constructor(key: TransportKey, record: KeyRecord, watcher: KeyWatcher) {
    this.#key = key;
    this.#record = record;
    this.#watcher = watcher;
  }

  seal(message: Uint8Array, offset: number, length: number, counter: number): void {
    this.#watcher.tell('sealed', this.#record, counter);
    this.#key.seal(message, offset, length, counter);
  }

  open(message: Uint8Array, offset: number, length: number, counter: number): boolean {
    const isAuthentic = this.#key.open(message, offset, length, counter);
    if (isAuthentic) this.#watcher.tell('opened', this.#record);
    return isAuthentic;
  }

  wipe(): void {
    if (!this.#record.isWiped) {
      this.#record.isWiped = true;
      this.#watcher.tell('keyWiped', this.#record);
    }
    this.#key.wipe();
  }
}

function textOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
