import type { Crypto } from '../../../src/crypto/crypto.js';
import { HandshakeState } from '../../../src/wireguard/noise/handshake-state.js';
import { CRYPTO_BACKENDS } from '../../support/crypto-backends.js';
import { LOW_ORDER_POINTS } from '../../support/crypto-contract.js';
import { fromHex } from '../../support/hex.js';
import { readVectors } from '../../support/vectors.js';
import { SecretWatch } from '../support/secret-watch.js';

interface Vector {
  protocol_name: string;
  init_prologue: string;
  init_psks: [string];
  init_static: string;
  init_ephemeral: string;
  init_remote_static: string;
  resp_prologue: string;
  resp_psks: [string];
  resp_static: string;
  resp_ephemeral: string;
  handshake_hash: string;
  messages: { payload: string; ciphertext: string }[];
}

const { vectors } = readVectors('noise-ikpsk2.json') as { vectors: [Vector] };
const vector = vectors[0];

const initiatorStatic = fromHex(vector.init_static);
const responderStatic = fromHex(vector.resp_static);
const responderPublic = fromHex(vector.init_remote_static);
const psk = fromHex(vector.init_psks[0]);

function createPair(crypto: Crypto) {
  const options = (privateKey: Uint8Array, prologue: string) => ({
    protocolName: new TextEncoder().encode(vector.protocol_name),
    prologue: fromHex(prologue),
    privateKey,
    publicKey: crypto.publicKey(privateKey),
  });
  return {
    initiator: HandshakeState.initiator(
      crypto,
      options(initiatorStatic, vector.init_prologue),
      responderPublic,
    ),
    responder: HandshakeState.responder(crypto, options(responderStatic, vector.resp_prologue)),
  };
}

function message(index: number): { payload: Uint8Array; ciphertext: Uint8Array } {
  const { payload, ciphertext } = vector.messages[index]!;
  return { payload: fromHex(payload), ciphertext: fromHex(ciphertext) };
}

describe.each(CRYPTO_BACKENDS)('the cacophony vector of IKpsk2 on $backend', (crypto) => {
  const ss = crypto.dh(initiatorStatic, responderPublic)!;

  it('produces both handshake messages, the hash, and four transport messages', () => {
    const { initiator, responder } = createPair(crypto);
    const [first, second] = [message(0), message(1)];

    expect(initiator.writeInitiation(fromHex(vector.init_ephemeral), ss, first.payload)).toEqual(
      first.ciphertext,
    );
    expect(responder.readInitiatorStatic(first.ciphertext)).toEqual(
      crypto.publicKey(initiatorStatic),
    );
    expect(responder.readInitiationPayload(first.ciphertext, ss)).toEqual(first.payload);

    const initiatorPublic = crypto.publicKey(initiatorStatic);
    expect(
      responder.writeResponse(fromHex(vector.resp_ephemeral), initiatorPublic, psk, second.payload),
    ).toEqual(second.ciphertext);
    expect(initiator.readResponse(second.ciphertext, psk)).toEqual(second.payload);

    expect(initiator.handshakeHash).toEqual(fromHex(vector.handshake_hash));
    expect(responder.handshakeHash).toEqual(fromHex(vector.handshake_hash));

    const keys = initiator.split();
    expect(responder.split()).toEqual(keys);
    for (let index = 2; index < 6; index++) {
      const { payload, ciphertext } = message(index);
      const nonce = new Uint8Array(12);
      nonce[4] = Math.floor((index - 2) / 2);
      const sealed = crypto.seal(keys[index % 2]!, nonce, payload, new Uint8Array(0));
      expect(sealed).toEqual(ciphertext);
    }
  });

  it('does not write to a responder whose static key is of low order', () => {
    const options = {
      protocolName: new TextEncoder().encode(vector.protocol_name),
      prologue: fromHex(vector.init_prologue),
      privateKey: initiatorStatic,
      publicKey: crypto.publicKey(initiatorStatic),
    };
    const initiator = HandshakeState.initiator(crypto, options, fromHex(LOW_ORDER_POINTS[2]));
    const ephemeral = fromHex(vector.init_ephemeral);
    expect(initiator.writeInitiation(ephemeral, ss, message(0).payload)).toBeUndefined();
  });

  it('does not write a response to an initiator whose static key is of low order', () => {
    const { responder } = createPair(crypto);
    responder.readInitiatorStatic(message(0).ciphertext);
    responder.readInitiationPayload(message(0).ciphertext, ss);
    const ephemeral = fromHex(vector.resp_ephemeral);
    const rs = fromHex(LOW_ORDER_POINTS[3]);
    expect(responder.writeResponse(ephemeral, rs, psk, message(1).payload)).toBeUndefined();
  });

  it('does not keep secrets of a failed response, or any secret after a wipe', () => {
    const watch = new SecretWatch(crypto);
    const { initiator } = createPair(watch.crypto);
    initiator.writeInitiation(fromHex(vector.init_ephemeral), ss.slice(), message(0).payload);
    // The chaining key and the key.
    expect(watch.unwiped).toBe(2);
    expect(initiator.readResponse(message(1).ciphertext, new Uint8Array(32))).toBeUndefined();
    expect(watch.unwiped).toBe(2);
    expect(initiator.readResponse(message(1).ciphertext, psk)).toEqual(message(1).payload);
    expect(watch.unwiped).toBe(2);
    expect(watch.count).toBeGreaterThan(20);
    initiator.wipe();
    expect(watch.unwiped).toBe(0);
  });

  it('clears its ephemeral key on a wipe, but keeps the static key', () => {
    const forgotten: Uint8Array[] = [];
    const watched: Crypto = {
      ...crypto,
      forget(privateKey) {
        forgotten.push(privateKey.slice());
        crypto.forget(privateKey);
      },
    };
    const { initiator } = createPair(watched);
    initiator.writeInitiation(fromHex(vector.init_ephemeral), ss, message(0).payload);
    initiator.wipe();
    expect(forgotten).toEqual([fromHex(vector.init_ephemeral)]);
    expect(initiatorStatic).toEqual(fromHex(vector.init_static));
  });
});
