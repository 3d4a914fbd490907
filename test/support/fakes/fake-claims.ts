import type { KeyClaim, KeyClaims } from '../../../src/ports/key-claims.js';

/** The keys in use on an imaginary machine. */
export class FakeClaims implements KeyClaims {
  /** Those of imaginary processes and of this one, by key as hex. */
  readonly holders = new Map<string, () => string>();
  /** With what take() and holder() fail, if they do. */
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
