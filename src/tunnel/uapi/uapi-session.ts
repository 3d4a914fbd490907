/**
 * A conversation in WireGuard's userspace API. `wg` connects to it at /var/run/wireguard/NAME.sock.
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

/** The part of the tunnel that the API needs. */
export interface UapiHost {
  readonly device: Device;
  /** The UDP port; 0 if no socket is open. */
  readonly listenPort: number;
  /** The firewall mark of sent datagrams; 0 for none. */
  readonly fwmark: number;
  /** Opens a socket on another port (0 for any free port) or with another mark. */
  rebind(local: { readonly port?: number; readonly fwmark?: number }): Promise<void>;
  /**
   * Prepares a new private key of 32 bytes.
   *
   * @returns a function that must be called right before the key changes
   */
  prepareKey(privateKey: Uint8Array): Promise<() => void>;
  /** Called when a client sets a peer's endpoint. */
  moved(peer: Peer, endpoint: Endpoint): void;
  /** Called after a request has changed the device. */
  changed(): void;
  now(): number;
}

/** The API's error numbers, which are negative. */
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

  /** Whether the conversation must end because the request is too long. */
  get isOver(): boolean {
    return this.#reader.isOverlong;
  }

  /**
   * Processes input and returns the responses to the requests that it completes. The response to
   * `get` contains the private key. Wait for the promise, which never rejects, before the next
   * call.
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

  /** Nothing needs to be released, because all of the client's state is in this object. */
  close(): void {
    return;
  }

  async #set(request: SetRequest): Promise<number> {
    const host = this.#host;
    const { listenPort, fwmark } = request;
    // Start with the change that the system may reject, so that a failure changes nothing.
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
