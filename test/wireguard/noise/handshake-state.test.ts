import { readFileSync } from 'node:fs';
import { createNodeCrypto } from '../../../src/crypto/node.js';
import { HandshakeState } from '../../../src/wireguard/noise/handshake-state.js';

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

const file = new URL('../../vectors/noise-ikpsk2.json', import.meta.url);
const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: [Vector] };
const vector = vectors[0];
const crypto = createNodeCrypto();

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

function options(privateKey: Uint8Array, prologue: string) {
  return {
    protocolName: new TextEncoder().encode(vector.protocol_name),
    prologue: bytes(prologue),
    privateKey,
    publicKey: crypto.publicKey(privateKey),
  };
}

const initiatorStatic = bytes(vector.init_static);
const responderStatic = bytes(vector.resp_static);
const responderPublic = bytes(vector.init_remote_static);
const psk = bytes(vector.init_psks[0]);
const ss = crypto.dh(initiatorStatic, responderPublic)!;

function createPair() {
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
  return { payload: bytes(payload), ciphertext: bytes(ciphertext) };
}

describe('the cacophony vector of Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s', () => {
  it('gives both handshake messages, the hash, and four transport messages', () => {
    const { initiator, responder } = createPair();
    const [first, second] = [message(0), message(1)];

    expect(initiator.writeInitiation(bytes(vector.init_ephemeral), ss, first.payload)).toEqual(
      first.ciphertext,
    );
    expect(responder.readInitiatorStatic(first.ciphertext)).toEqual(
      crypto.publicKey(initiatorStatic),
    );
    expect(responder.readInitiationPayload(first.ciphertext, ss)).toEqual(first.payload);

    const initiatorPublic = crypto.publicKey(initiatorStatic);
    expect(
      responder.writeResponse(bytes(vector.resp_ephemeral), initiatorPublic, psk, second.payload),
    ).toEqual(second.ciphertext);
    expect(initiator.readResponse(second.ciphertext, psk)).toEqual(second.payload);

    expect(initiator.handshakeHash).toEqual(bytes(vector.handshake_hash));
    expect(responder.handshakeHash).toEqual(bytes(vector.handshake_hash));

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

  it('reads the right response after a wrong one', () => {
    const { initiator } = createPair();
    const second = message(1);
    initiator.writeInitiation(bytes(vector.init_ephemeral), ss, message(0).payload);
    const wrong = second.ciphertext.slice();
    wrong[wrong.length - 1]! ^= 1;

    expect(initiator.readResponse(wrong, psk)).toBeUndefined();
    expect(initiator.readResponse(second.ciphertext, new Uint8Array(32))).toBeUndefined();
    expect(initiator.readResponse(second.ciphertext, psk)).toEqual(second.payload);
  });

  it.each([0, 40, 90])('refuses an initiation with byte %i changed', (index) => {
    const { responder } = createPair();
    const wrong = message(0).ciphertext;
    wrong[index]! ^= 1;
    const initiator = responder.readInitiatorStatic(wrong);
    expect(initiator && responder.readInitiationPayload(wrong, ss)).toBeUndefined();
  });

  it('refuses an ephemeral key of low order', () => {
    const { responder } = createPair();
    const wrong = message(0).ciphertext;
    wrong.fill(0, 0, 32);
    expect(responder.readInitiatorStatic(wrong)).toBeUndefined();
  });
});
