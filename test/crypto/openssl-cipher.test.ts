/** @mirrors openssl.ts */
import { createNodeCrypto } from '../../src/crypto/node.js';
import { createOpenSslCrypto } from '../../src/crypto/openssl.js';
import type { NativeCode } from '../../src/crypto/openssl-cipher.js';
import { PacketBytes } from '../../src/lib/packets/packet-bytes.js';
import { loadLibc } from '../../src/system/linux/libc.js';
import { describeWith } from '../support/runner/requirements.js';

const node = createNodeCrypto();
const libc = await loadLibc();

describeWith(['linux', 'koffi'], 'the calls of OpenSSL', () => {
  /** The real functions, whose parameters and results `change` may replace. */
  function changed(change: (call: string, parameters: number[]) => number | undefined): NativeCode {
    return {
      address: (bytes) => libc!.address(bytes),
      bind: (declaration) => {
        const real = libc!.bind(declaration);
        const call = /(\w+)\(/.exec(declaration)![1]!;
        return (...parameters) => {
          const all = [...parameters];
          const result = change(call, all);
          const realResult = real(...all);
          return result ?? realResult;
        };
      },
    };
  }

  /** A key whose calls are recorded. The call of a name and an index, counted from 0, fails. */
  function recorded(failing?: { readonly name: string; readonly index: number }) {
    const calls: (readonly [string, ...number[]])[] = [];
    const named = (name: string) => calls.filter(([call]) => call === name);
    let fails = false;
    const native = changed((call, parameters) => {
      calls.push([call, ...parameters]);
      const isFailing = fails && call === failing?.name && named(call).length === failing.index + 1;
      return isFailing ? 0 : undefined;
    });
    const key = createOpenSslCrypto(node, native)!.transportKey(new Uint8Array(32));
    calls.length = 0;
    fails = true;
    return { key, calls, named };
  }

  it('are not used if their tag is wrong', () => {
    const native = changed((call, parameters) => {
      if (call === 'EVP_MAC_update') parameters[2]! -= 1;
      return undefined;
    });
    expect(createOpenSslCrypto(node, native)).toBeUndefined();
  });

  it.each(['EVP_CIPHER_CTX_new', 'EVP_chacha20', 'EVP_MAC_fetch', 'EVP_MAC_CTX_new'])(
    'are not used if %s returns no address',
    (name) => {
      const native = changed((call) => (call === name ? 0 : undefined));
      expect(createOpenSslCrypto(node, native)).toBeUndefined();
    },
  );

  it('are not used if OpenSSL refuses the algorithm only at first', () => {
    let refused = 0;
    const native = changed((call) =>
      call === 'EVP_EncryptInit_ex2' && refused++ === 0 ? 0 : undefined,
    );
    expect(createOpenSslCrypto(node, native)).toBeUndefined();
  });

  it.each([
    ['EVP_EncryptInit_ex2', 0],
    ['EVP_EncryptUpdate', 0],
    ['EVP_EncryptUpdate', 1],
    ['EVP_MAC_init', 0],
    ['EVP_MAC_update', 0],
    ['EVP_MAC_update', 1],
    ['EVP_MAC_final', 0],
  ])('throw in both directions if %s fails in its call %i', (name, index) => {
    const { key, calls } = recorded({ name, index });
    // The end of the memory, so that the end of the text needs another call.
    const message = new Uint8Array(33 + 16);
    node.transportKey(new Uint8Array(32)).seal(message, 0, 33, 0);
    expect(() => key.open(message.slice(), 0, 33, 0)).toThrow('OpenSSL cannot use');
    calls.length = 0;
    expect(() => key.seal(message, 0, 33, 0)).toThrow('OpenSSL cannot use');
  });

  it('throw if the only call for a text and its end fails', () => {
    const { key } = recorded({ name: 'EVP_MAC_update', index: 0 });
    expect(() => key.seal(new Uint8Array(64), 0, 32, 0)).toThrow('OpenSSL cannot use');
  });

  it('restore the tag and the bytes after it if authenticating fails', () => {
    for (const name of ['EVP_MAC_update', 'EVP_MAC_final']) {
      const { key } = recorded({ name, index: 0 });
      const message = new Uint8Array(100).fill(7);
      expect(() => key.open(message, 10, 33, 0)).toThrow('OpenSSL cannot use');
      expect(message).toEqual(new Uint8Array(100).fill(7));
    }
    const { key } = recorded({ name: 'EVP_MAC_update', index: 0 });
    const message = new Uint8Array(100).fill(7);
    expect(() => key.seal(message, 10, 33, 0)).toThrow('OpenSSL cannot use');
    expect(message.subarray(10 + 33 + 16)).toEqual(new Uint8Array(41).fill(7));
  });

  it.each([
    ['the one-time key', true],
    ['the text', false],
  ])('are not used if only decryption is wrong: %s', (_what, isKey) => {
    const contexts = new Set<number>();
    const native = changed((call, parameters) => {
      const context = parameters[0]!;
      if (call === 'EVP_EncryptInit_ex2') contexts.add(context);
      // The second context is that of decryption. Its last byte is not decrypted.
      if (call !== 'EVP_EncryptUpdate' || context !== [...contexts][1]) return undefined;
      if ((parameters[4] === 64) === isKey) parameters[4]! -= isKey ? 64 : 1;
      return undefined;
    });
    expect(createOpenSslCrypto(node, native)).toBeUndefined();
  });

  it('do not decrypt a packet whose tag is wrong', () => {
    const { key, named } = recorded();
    const message = new Uint8Array(1_000).fill(7);
    expect(key.open(message, 10, 900, 0)).toBe(false);
    expect(message).toEqual(new Uint8Array(1_000).fill(7));
    // Only for the one-time key.
    expect(named('EVP_EncryptUpdate').map((call) => call[5])).toEqual([64]);
  });

  it('authenticate a text and its end together, unless the memory ends before', () => {
    const { key, named, calls } = recorded();
    const size = 16 + 1_420 + 16;
    for (const [length, expected] of [
      [size + 4, [1_440]],
      [size + 3, [1_420, 20]],
    ] as const) {
      const message = new PacketBytes(new ArrayBuffer(length), 0, size);
      for (const run of ['seal', 'open'] as const) {
        calls.length = 0;
        expect(key[run](message, 16, 1_420, 5)).not.toBe(false);
        expect(named('EVP_MAC_update').map((call) => call[3])).toEqual(expected);
      }
    }
  });

  it('set a key once, and overwrite it in both directions', () => {
    const { key, calls, named } = recorded();
    const keys = () => named('EVP_EncryptInit_ex2').map((call) => call[3]);
    for (const counter of [1, 2, 3]) key.seal(new Uint8Array(48), 0, 32, counter);
    expect(keys()).toEqual([expect.any(Number), 0, 0]);
    const [used] = keys();
    calls.length = 0;
    key.wipe();
    const [encrypting, decrypting, ...others] = keys();
    expect(encrypting).toBe(decrypting);
    expect([0, used]).not.toContain(encrypting);
    expect(others).toEqual([0, 0, 0, 0]);
  });
});
