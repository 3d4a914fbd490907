/**
 * One side of a pair, built by hand from the messages of whitepaper.ts. It sends messages that a
 * device would not send.
 */
import type { Crypto } from '../../../src/crypto/crypto.js';
import { seededBytes } from '../../support/fakes/seeded-entropy.js';
import type { End, Side, WireguardPair } from '../../support/pairs/wireguard-pair.js';
import {
  NO_PRESHARED_KEY,
  readData,
  readIndex,
  readInitiation,
  readResponse,
  timestamp,
  writeData,
  writeInitiation,
  writeResponse,
  type InitiationState,
  type KeyPair,
  type SessionKeys,
} from './whitepaper.js';

export interface PeerIdentity {
  readonly keys?: KeyPair;
  readonly presharedKey?: Uint8Array | undefined;
}

export interface PeerInitiation {
  readonly timestamp?: Uint8Array;
  readonly ephemeral?: KeyPair;
  readonly cookie?: Uint8Array | undefined;
  readonly senderIndex?: number;
}

export class WhitepaperPeer {
  readonly keys: KeyPair;
  readonly presharedKey: Uint8Array;
  /** The public key of the other side. */
  readonly remotePublic: Uint8Array;
  readonly #crypto: Crypto;
  #messages = 0;
  #counter = 0n;
  #initiation: InitiationState | undefined;
  #session: { sending: Uint8Array; receiving: Uint8Array; remoteIndex: number } | undefined;

  /**
   * Plays `side` with its own or other keys; messages that its device sends are no longer
   * delivered.
   */
  constructor(pair: WireguardPair, side: Side, options: PeerIdentity = {}) {
    const end: End = pair[side];
    this.#crypto = pair.crypto;
    this.keys = options.keys ?? { privateKey: end.privateKey, publicKey: end.device.publicKey };
    this.presharedKey = options.presharedKey ?? NO_PRESHARED_KEY;
    this.remotePublic = (side === 'alice' ? pair.bob : pair.alice).device.publicKey;
    pair.link = () => false;
  }

  /** An initiation, with a timestamp one second after the previous one. */
  initiate(options: PeerInitiation = {}): Uint8Array {
    const number = ++this.#messages;
    const { message, state } = writeInitiation(this.#crypto, {
      initiator: this.keys,
      responderPublic: this.remotePublic,
      ephemeral: options.ephemeral ?? this.#ephemeral(number),
      senderIndex: options.senderIndex ?? 1_000 + number,
      timestamp: options.timestamp ?? timestamp(1_800_000_000 + number),
      cookie: options.cookie,
    });
    this.#initiation = state;
    return message;
  }

  /** Accepts the response to the last initiation; false if it is not authentic. */
  complete(response: Uint8Array): boolean {
    const keys = readResponse(
      this.#crypto,
      this.keys,
      this.#initiation!,
      response,
      this.presharedKey,
    );
    if (keys === undefined) return false;
    this.#begin(keys, readIndex(response, 4), true);
    return true;
  }

  /** The timestamp in an initiation to this peer; undefined if it is not authentic. */
  stampOf(initiation: Uint8Array): Uint8Array | undefined {
    return readInitiation(this.#crypto, this.keys, initiation)?.timestamp;
  }

  /** The response to an initiation of the other side; this peer can use the session at once. */
  respond(initiation: Uint8Array, ephemeral?: KeyPair): Uint8Array {
    const number = ++this.#messages;
    const { state } = readInitiation(this.#crypto, this.keys, initiation)!;
    const { message, keys } = writeResponse(this.#crypto, state, {
      ephemeral: ephemeral ?? this.#ephemeral(number),
      senderIndex: 1_000 + number,
      presharedKey: this.presharedKey,
    });
    this.#begin(keys, state.senderIndex, false);
    return message;
  }

  /** A data message with exactly this payload. */
  seal(packet: Uint8Array, counter = this.#counter++): Uint8Array {
    const { sending, remoteIndex } = this.#session!;
    return writeData(this.#crypto, sending, remoteIndex, counter, packet);
  }

  /**
   * The payload of a data message to this peer, with its padding; undefined if it is not authentic.
   */
  open(message: Uint8Array): Uint8Array | undefined {
    return readData(this.#crypto, this.#session!.receiving, message);
  }

  #begin({ initiator, responder }: SessionKeys, remoteIndex: number, isInitiator: boolean): void {
    const [sending, receiving] = isInitiator ? [initiator, responder] : [responder, initiator];
    this.#session = { sending, receiving, remoteIndex };
    this.#counter = 0n;
  }

  #ephemeral(number: number): KeyPair {
    const privateKey = seededBytes(9_000 + number, 32);
    return { privateKey, publicKey: this.#crypto.publicKey(privateKey) };
  }
}
