import { createNodeCrypto } from '../../src/crypto/node.js';
import { createOpenSslCrypto, type NativeCode } from '../../src/crypto/openssl.js';
import { loadLibc } from '../../src/system/linux/libc.js';
import { describeCrypto } from '../support/crypto-contract.js';
import { describeAgreementOnPackets } from '../support/packet-agreement.js';
import { describeWith } from '../support/runner/requirements.js';

const node = createNodeCrypto();

// koffi is an optional dependency: if it is absent, only its absence is tested.
const libc = await loadLibc();
const openSsl = createOpenSslCrypto(node, libc);
if (libc === undefined) {
  it('is undefined if koffi is not installed, or if this is not Linux', () => {
    expect(openSsl).toBeUndefined();
  });
} else if (openSsl === undefined) {
  it('is in this Node.js', () => {
    expect(openSsl).toBeDefined();
  });
} else {
  const errorInQueue = libc.bind('unsigned long ERR_peek_error()');
  describeCrypto('openssl', () => openSsl);
  describe('OpenSSL through koffi and through node:crypto', () => {
    describeAgreementOnPackets(openSsl, node);

    it('a text whose length needs four bytes', () => {
      const length = 2 ** 24 + 2 ** 16 + 5;
      const [ours, theirs] = [new Uint8Array(length + 16), new Uint8Array(length + 16)];
      openSsl.transportKey(new Uint8Array(32)).seal(ours, 0, length, 1);
      node.transportKey(new Uint8Array(32)).seal(theirs, 0, length, 1);
      expect(Buffer.compare(ours, theirs)).toBe(0);
    });
  });

  it('reports its name, and that of the backend for handshakes', () => {
    expect(openSsl).toMatchObject({ packetBackend: 'openssl', backend: 'node' });
  });

  // Node.js would report it as the error of a TLS connection.
  it('leaves no error in OpenSSL’s queue after a wrong tag', () => {
    const key = openSsl.transportKey(new Uint8Array(32));
    expect(key.open(new Uint8Array(48), 0, 32, 0)).toBe(false);
    expect(errorInQueue()).toBe(0);
  });

  it('is undefined in FIPS mode, and leaves no error in OpenSSL’s queue', () => {
    const setFips = libc.bind('int EVP_default_properties_enable_fips(uintptr_t, int)');
    expect(setFips(0, 1)).toBe(1);
    try {
      expect(createOpenSslCrypto(node, libc)).toBeUndefined();
      expect(errorInQueue()).toBe(0);
    } finally {
      expect(setFips(0, 0)).toBe(1);
    }
  });

  it('opens with one key after it has sealed with another', () => {
    const [first, second] = [1, 2].map((byte) =>
      openSsl.transportKey(new Uint8Array(32).fill(byte)),
    );
    const [one, two] = [new Uint8Array(48), new Uint8Array(48)];
    first!.seal(one, 0, 32, 1);
    second!.seal(two, 0, 32, 1);
    expect(first!.open(two.slice(), 0, 32, 1)).toBe(false);
    expect(first!.open(one, 0, 32, 1)).toBe(true);
    expect(second!.open(two, 0, 32, 1)).toBe(true);
    expect([...one, ...two].filter((_, index) => index % 48 < 32)).toEqual(new Array(64).fill(0));
  });

  it('uses each key after another was used, wiped or refused', () => {
    let refuses: 'no' | 'with the key set' | 'before' = 'no';
    const native = {
      ...libc,
      bind: (declaration: string) => {
        const real = libc.bind(declaration);
        if (!declaration.includes('EncryptInit')) return real;
        return (...parameters: readonly number[]) => {
          if (refuses === 'before') return -1;
          const result = real(...parameters);
          return refuses === 'no' ? result : 0;
        };
      },
    };
    const crypto = createOpenSslCrypto(node, native)!;
    const bytes = [1, 2].map((byte) => new Uint8Array(32).fill(byte));
    const keys = bytes.map((key) => crypto.transportKey(key));
    const expected = bytes.map((key) => node.transportKey(key));
    let counter = 0;
    const compare = (...order: readonly number[]) => {
      for (const index of order) {
        const [ours, theirs] = [new Uint8Array(48), new Uint8Array(48)];
        keys[index]!.seal(ours, 0, 32, ++counter);
        expected[index]!.seal(theirs, 0, 32, counter);
        expect(ours).toEqual(theirs);
        expect(keys[index]!.open(ours, 0, 32, counter)).toBe(true);
        expect(ours.subarray(0, 32)).toEqual(new Uint8Array(32));
      }
    };
    compare(0, 0, 1, 1, 0);
    for (const moment of ['with the key set', 'before'] as const) {
      refuses = moment;
      expect(() => keys[1]!.seal(new Uint8Array(48), 0, 32, 0)).toThrow(
        'OpenSSL cannot use ChaCha20-Poly1305',
      );
      refuses = 'no';
      if (moment === 'before') compare(1, 0);
      else compare(0, 1, 0);
    }
    crypto.transportKey(new Uint8Array(32).fill(3)).wipe();
    compare(1, 0);
    keys[0]!.wipe();
    compare(1);
  });

  it.each([0, 31, 33])('refuses a key of %i bytes', (length) => {
    expect(() => openSsl.transportKey(new Uint8Array(length))).toThrow(RangeError);
  });
}

it('is undefined if its packets differ from those of the other backend', () => {
  const wrong = {
    ...node,
    transportKey: (key: Uint8Array) => node.transportKey(key.map((byte) => byte ^ 1)),
  };
  expect(createOpenSslCrypto(wrong, libc)).toBeUndefined();
});

describeWith(['linux', 'koffi'], 'the calls of OpenSSL', () => {
  /** The real functions, whose parameters and results `change` may replace. */
  function changed(change: (call: string, parameters: number[]) => number | undefined): NativeCode {
    return {
      wordSize: libc!.wordSize,
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

  it('are refused if they do not check the tag', () => {
    const native = changed((call, parameters) => {
      if (call === 'EVP_DecryptInit_ex2') parameters[4] = 0;
      return call === 'EVP_DecryptFinal_ex' ? 1 : undefined;
    });
    expect(createOpenSslCrypto(node, native)).toBeUndefined();
  });

  it('are refused if they do not decrypt the text', () => {
    let finals = 0;
    const native = changed((call, parameters) => {
      // Without a place for its plaintext, the text is additional data.
      if (call === 'EVP_DecryptUpdate') parameters[1] = 0;
      // The first packet of each test has a wrong tag.
      return call === 'EVP_DecryptFinal_ex' ? finals++ % 2 : undefined;
    });
    expect(createOpenSslCrypto(node, native)).toBeUndefined();
    expect(finals).toBe(2);
  });

  it('throw if the tag cannot be computed', () => {
    let fails = false;
    const native = changed((call) => (fails && call === 'EVP_EncryptFinal_ex' ? 0 : undefined));
    const key = createOpenSslCrypto(node, native)!.transportKey(new Uint8Array(32));
    fails = true;
    expect(() => key.seal(new Uint8Array(48), 0, 32, 0)).toThrow('OpenSSL cannot use');
  });

  it('set a key once, and overwrite it in both directions', () => {
    const keys: number[] = [];
    const native = changed((call, parameters) => {
      if (call.includes('Init_ex2')) keys.push(parameters[2]!);
      return undefined;
    });
    const key = createOpenSslCrypto(node, native)!.transportKey(new Uint8Array(32));
    keys.length = 0;
    for (const counter of [1, 2, 3]) key.seal(new Uint8Array(48), 0, 32, counter);
    expect(keys).toEqual([expect.any(Number), 0, 0]);
    const used = keys[0]!;
    keys.length = 0;
    key.wipe();
    const [encrypting, decrypting, ...others] = keys;
    expect(encrypting).toBe(decrypting);
    expect([0, used]).not.toContain(encrypting);
    expect(others).toEqual([0, 0, 0, 0]);
  });
});

it('is undefined if the program does not contain OpenSSL', () => {
  const bind = () => {
    throw new Error('no such function');
  };
  expect(createOpenSslCrypto(node, { bind, address: () => 0n, wordSize: 8 })).toBeUndefined();
});

it('is undefined if OpenSSL does not support the algorithm', () => {
  const refusing = { bind: () => () => 0, address: () => 0n, wordSize: 8 };
  expect(createOpenSslCrypto(node, refusing)).toBeUndefined();
});
