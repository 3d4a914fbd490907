import type { KeyClaim, KeyClaims } from '../../../src/ports/key-claims.js';

/** Fake claims of the keys in use on a machine. */
export class FakeClaims implements KeyClaims {
  /** The holders among fake processes and this one, by key in hex. */
  readonly holders = new Map<string, () => string>();
  /** The errors that take() and holder() throw, if set. */
  takeError: Error | undefined;
  holderError: Error | undefined;

  async take(publicKey: Uint8Array, describe: () => string): Promise<KeyClaim | undefined> {
    await Promise.resolve();
    if (this.takeError !== undefined) throw this.takeError;
    const name = hex(publicKey);
    if (this.holders.has(name)) return undefined;
    this.holders.set(name, describe);
    return {
      close: async () => {
        await Promise.resolve();
        this.holders.delete(name);
      },
    };
  }

  async holder(publicKey: Uint8Array): Promise<string | undefined> {
    await Promise.resolve();
    if (this.holderError !== undefined) throw this.holderError;
    return this.holders.get(hex(publicKey))?.();
  }
}

function hex(key: Uint8Array): string {
  return Buffer.from(key).toString('hex');
}
