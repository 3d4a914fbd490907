/**
 * A conversation over WireGuard's userspace interface, which `wg` has with
 * /var/run/wireguard/NAME.sock: text in, text out.
 */
import {
  applySetRequest,
  type Device,
  getResponse,
  type Peer,
  RequestReader,
  type SetRequest,
} from '../../engine/engine.js';
import { codeOf } from '../../lib/errors/error-message.js';
import type { Endpoint } from '../../ports/datagram.js';
import type { Conversation } from '../../ports/local-sockets.js';

/** The tunnel as the interface sees it. */
export interface UapiHost {
  readonly device: Device;
  /** 0 while there is no socket. */
  readonly listenPort: number;
  /** 0 for none. */
  readonly fwmark: number;
  /** Moves to a socket at another port, 0 for any, or with another mark; rejects with the system's code. */
  rebind(local: { readonly port?: number; readonly fwmark?: number }): Promise<void>;
  /**
   * Makes ready for another private key of ours, 32 bytes.
   *
   * @returns to be called right before the key is changed
   */
  prepareKey(privateKey: Uint8Array): Promise<() => void>;
  /** A peer is said to be elsewhere. */
  moved(peer: Peer, endpoint: Endpoint): void;
  /** To be called after each change of the device. */
  changed(): void;
  now(): number;
}

/** Numbers of errors as the interface has them, below zero. */
const INVALID = -22;
const INPUT_OUTPUT = -5;
const ERRORS: ReadonlyMap<string | undefined, number> = new Map([
  ['EPERM', -1],
  ['EACCES', -13],
  ['EADDRINUSE', -98],
  ['EADDRNOTAVAIL', -99],
]);

export class UapiSession implements Conversation {
  readonly #host: UapiHost;
  readonly #reader = new RequestReader();

  constructor(host: UapiHost) {
    this.#host = host;
  }

  /** Nothing more is taken: the conversation is to be ended. */
  get isOver(): boolean {
    return this.#reader.isOverlong;
  }

  /**
   * Answers what came, where a request is complete with it. The answer to `get` names the private key.
   * To be called again when the promise has settled; it never rejects.
   */
  async handle(text: string): Promise<string> {
    let answer = '';
    for (const request of this.#reader.read(text)) {
      switch (request.operation) {
        case 'get':
          answer += answerOf(getResponse(this.#host.device, this.#host), 0);
          break;
        case 'set':
          answer += answerOf([], await this.#set(request.request));
          break;
        case 'invalid':
          answer += answerOf([], INVALID);
      }
    }
    return answer;
  }

  /** Nothing is kept for the other end but what is here. */
  close(): void {
    return;
  }

  async #set(request: SetRequest): Promise<number> {
    const host = this.#host;
    const { listenPort, fwmark } = request;
    // What the system may refuse comes first: then nothing else is changed.
    const isRebound = listenPort !== undefined || fwmark !== undefined;
    if (isRebound) {
      try {
        await host.rebind({
          ...(listenPort !== undefined && { port: listenPort }),
          ...(fwmark !== undefined && { fwmark }),
        });
      } catch (error) {
        return ERRORS.get(codeOf(error)) ?? INPUT_OUTPUT;
      }
    }
    const { privateKey } = request;
    const keyChanges = privateKey && (await host.prepareKey(privateKey));
    keyChanges?.();
    applySetRequest(host.device, request, {
      now: host.now(),
      onEndpoint: (peer, endpoint) => host.moved(peer, endpoint),
    });
    host.changed();
    return 0;
  }
}

function answerOf(lines: readonly string[], errno: number): string {
  return `${[...lines, `errno=${errno}`].join('\n')}\n\n`;
}
