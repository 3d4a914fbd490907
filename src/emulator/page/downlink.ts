/** Sends one message from the emulator to a SIM, through the SIM's tunnel. */
import * as z from 'zod';

import { parseJson } from '../../lib/text/parse-json.js';
import { DialError } from '../../proxy/dialer.js';
import { exchangeTcp } from '../../proxy/tcp-exchange.js';
import { exchangeUdp } from '../../proxy/udp-exchange.js';
import { formatIpAddress } from '../../wire/ip-address.js';
import { downlinkFailed, malformedBody, REFUSALS } from '../api/refusals.js';
import type { ArcNetwork } from '../arc-network.js';
import type { HttpResponse } from '../http-response.js';
import { encodeBody, KEPT_BODY_BYTES } from '../messages.js';
import { hasArc, type Sim } from '../sim.js';

/** How long to wait for an answer, in milliseconds. */
const ANSWER_TIMEOUT = 3_000;

/** The maximum number of downlinks in progress. */
export const MAX_DOWNLINKS = 16;

/** The request body of POST /emulator/downlink. */
const downlinkRequest = z.strictObject({
  simId: z.string(),
  protocol: z.enum(['udp', 'tcp']),
  port: z.int().min(1).max(65_535),
  payload: z.string(),
  /** `hex` allows spaces between the bytes. */
  payloadEncoding: z.enum(['utf8', 'hex']).default('utf8'),
});

export interface DownlinksOptions {
  readonly sims: { get(simId: string): Sim | undefined };
  readonly network: Pick<ArcNetwork, 'dialer' | 'datagramDialer' | 'lastHandshake'>;
  /** How long to wait for an answer, in milliseconds; 3,000 by default. */
  readonly answerTimeout?: number;
}

export class Downlinks {
  readonly #options: DownlinksOptions;
  readonly #closing = new AbortController();
  #active = 0;

  constructor(options: DownlinksOptions) {
    this.#options = options;
  }

  /** Ends the downlinks in progress. */
  close(): void {
    this.#closing.abort();
  }

  /**
   * Sends the message that a JSON body describes, and waits a short time for an answer.
   *
   * @returns 200 with the answer, or null if the SIM does not answer
   */
  async send(body: string): Promise<HttpResponse> {
    const { success, data, error } = downlinkRequest.safeParse(parseJson(body));
    if (!success) {
      const [issue] = error.issues;
      return malformedBody([issue?.path.join('.') ?? '', issue?.message ?? ''].join(' ').trim());
    }
    const payload = payloadBytes(data);
    if (payload === undefined) return malformedBody('payload must contain pairs of hex digits');
    const sim = this.#options.sims.get(data.simId);
    if (sim === undefined || !hasArc(sim)) return REFUSALS.simUnknown;
    const { session, publicKey, address } = sim.arc;
    if (session === undefined) return REFUSALS.simOffline;
    // Before its first handshake, the client's endpoint is unknown, so nothing can be sent.
    if (this.#options.network.lastHandshake(publicKey) === undefined) return REFUSALS.simSilent;
    if (this.#active >= MAX_DOWNLINKS) return REFUSALS.tooManyDownlinks;
    const target = { host: formatIpAddress(address), port: data.port };
    this.#active++;
    try {
      const answer = await this.#exchange(data.protocol, target, payload);
      return { status: 200, body: { bytes: payload.length, ...target, answer } };
    } catch (thrown) {
      return downlinkFailed(failureText(thrown as Error));
    } finally {
      this.#active--;
    }
  }

  async #exchange(
    protocol: 'tcp' | 'udp',
    target: { readonly host: string; readonly port: number },
    payload: Uint8Array,
  ): Promise<ReturnType<typeof encodeBody> | null> {
    const { network, answerTimeout: timeout = ANSWER_TIMEOUT } = this.#options;
    const limits = { timeout, maxAnswerBytes: KEPT_BODY_BYTES, signal: this.#closing.signal };
    const answer =
      protocol === 'tcp'
        ? await exchangeTcp(network.dialer, target, payload, limits)
        : await exchangeUdp(network.datagramDialer, target, payload, limits);
    return answer === undefined ? null : encodeBody(answer, answer.length);
  }
}

function payloadBytes({
  payload,
  payloadEncoding,
}: z.output<typeof downlinkRequest>): Uint8Array | undefined {
  if (payloadEncoding === 'utf8') return Buffer.from(payload);
  const digits = payload.replace(/\s/g, '');
  return /^(?:[\da-f]{2})*$/i.test(digits) ? Buffer.from(digits, 'hex') : undefined;
}

function failureText(error: Error): string {
  const isSilent =
    error instanceof DialError && (error.reason === 'no-handshake' || error.reason === 'timeout');
  if (isSilent) return 'the SIM is not answering';
  const isRefused = error instanceof DialError && error.reason === 'refused';
  return isRefused ? 'the port is closed' : error.message;
}
