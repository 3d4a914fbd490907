import type { ZodMiniType } from 'zod/mini';
import { UserError } from '../../lib/errors/user-error.js';
import {
  anyAnswer,
  arcCredentialsResponse,
  createdSessionAnswer,
  createdSimAnswer,
  downlinkPingAnswer,
  sessionEvents,
  simAnswer,
  simAnswers,
  type AuthResponse,
  type CreatedSessionResponse,
  type DownlinkPingResponse,
  type SessionEvent,
  type SimResponse,
} from './responses.js';
import { ApiError } from '../api-error.js';
import { Channel, type ApiRequest } from './channel.js';
import * as operations from './operations.js';
import type { ApiOperation } from './operations.js';
import { realClock, type SoracomClientOptions, type SoracomClock } from './options.js';
import { pathOfPage, readPages } from './paging.js';
import { readResponse } from './read-response.js';
import { sendWithRepeats } from './repeats.js';
import { Session, type Call } from '../auth/session.js';
import type { SignIn } from '../auth/sign-in.js';
import type { SimTag, SoracomApi } from '../soracom-api.js';
import type { HttpResponse } from './transport.js';

const DEFAULT_TIMEOUT = 30_000;
const DEFAULT_DEADLINE = 120_000;
/** The deadline is short, because a token that was not revoked expires anyway. */
const LOGOUT_DEADLINE = 5_000;
/** At most 3. A tunnel's round trip is much shorter. */
const PING_TIMEOUT_SECONDS = 2;
/** The API's maximum page size. */
const PAGE_LENGTH = 100;

/**
 * A client for the SORACOM API operations that Arc needs. Requests that soratun also sends are
 * byte-identical to soratun's.
 *
 * - Idempotent operations are retried after 429 and 5xx (operations.ts, repeats.ts).
 * - A refused token is replaced once per call, by signing in again. This includes createSim,
 *   because a request that is answered with 401 was not applied (RFC 9110 15.5.2).
 * - No operation is retried if no response was received, and createSim is retried only after 401.
 */
export class SoracomClient implements SoracomApi {
  readonly #channel: Channel;
  readonly #session: Session;
  readonly #clock: SoracomClock;
  readonly #options: SoracomClientOptions;

  /**
   * @throws UserError of kind `usage` if the endpoint is not a URL, of kind `configuration` for
   * headers that HTTP does not allow
   */
  constructor(options: SoracomClientOptions) {
    this.#channel = new Channel(options);
    this.#session = new Session(this.#channel.secrets);
    this.#clock = options.clock ?? realClock;
    this.#options = options;
  }

  get operatorId(): string | undefined {
    return this.#session.token?.operatorId;
  }

  get serverTime(): number | undefined {
    return this.#channel.serverTime;
  }

  async auth(signIn: SignIn, tokenTimeoutSeconds: number): Promise<void> {
    await this.#session.begin(signIn, tokenTimeoutSeconds, this.#callUntil(this.#newDeadline()));
  }

  async logout(): Promise<void> {
    const request = { path: '/auth/logout' };
    const end = this.#clock.now() + LOGOUT_DEADLINE;
    await this.#send(operations.LOGOUT, request, this.#session.token, end);
    this.#session.end();
  }

  async createSim(): Promise<SimResponse> {
    const body = { type: 'virtual', subscription: 'planArc01' };
    return this.#call(operations.CREATE_SIM, createdSimAnswer, { path: '/sims', body });
  }

  async getSim(simId: string): Promise<SimResponse> {
    return this.#call(operations.GET_SIM, simAnswer, { path: simPath(simId) });
  }

  async listSims(): Promise<readonly SimResponse[]> {
    return this.#list(operations.LIST_SIMS, simAnswers, '/sims');
  }

  async searchVirtualSims(): Promise<readonly SimResponse[]> {
    const path = `/query/sims?subscription=planArc01&limit=${PAGE_LENGTH}&search_type=and`;
    const sims = await this.#list(operations.SEARCH_SIMS, simAnswers, path);
    return sims.filter(({ status }) => status !== 'terminated');
  }

  async createArcSession(simId: string): Promise<CreatedSessionResponse> {
    const request = { path: simPath(simId, '/sessions/arc'), body: {} };
    return this.#call(operations.CREATE_ARC_SESSION, createdSessionAnswer, request);
  }

  async renewArcSimCredentials(simId: string, publicKey: string): Promise<void> {
    const body = { arcClientPeerPublicKey: publicKey };
    const request = { path: simPath(simId, '/credentials/arc'), body };
    const schema = arcCredentialsResponse(publicKey);
    await this.#call(operations.RENEW_ARC_SIM_CREDENTIALS, schema, request);
  }

  async putSimTags(simId: string, tags: readonly SimTag[]): Promise<void> {
    const body = tags.map(({ tagName, tagValue }) => ({ tagName, tagValue }));
    await this.#call(operations.PUT_SIM_TAGS, anyAnswer, { path: simPath(simId, '/tags'), body });
  }

  async getGroup(groupId: string): Promise<void> {
    const path = `/groups/${encodeURIComponent(groupId)}`;
    await this.#call(operations.GET_GROUP, anyAnswer, { path });
  }

  async setSimGroup(simId: string, groupId: string): Promise<void> {
    const request = { path: simPath(simId, '/set_group'), body: { groupId } };
    await this.#call(operations.SET_SIM_GROUP, anyAnswer, request);
  }

  async enableSimTermination(simId: string): Promise<void> {
    const request = { path: simPath(simId, '/enable_termination') };
    await this.#call(operations.ENABLE_SIM_TERMINATION, anyAnswer, request);
  }

  async terminateSim(simId: string): Promise<void> {
    const request = { path: simPath(simId, '/terminate') };
    await this.#call(operations.TERMINATE_SIM, anyAnswer, request);
  }

  /** @throws RangeError if `limit` is not a positive integer */
  async listSimSessionEvents(simId: string, limit: number): Promise<readonly SessionEvent[]> {
    if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError(`limit ${limit}`);
    const path = simPath(simId, `/events/sessions?limit=${Math.min(limit, PAGE_LENGTH)}`);
    const { LIST_SIM_SESSION_EVENTS } = operations;
    const events = await this.#list(LIST_SIM_SESSION_EVENTS, sessionEvents, path, limit);
    return events.toSorted((a, b) => (b.time ?? 0) - (a.time ?? 0)).slice(0, limit);
  }

  async sendDownlinkPing(simId: string): Promise<DownlinkPingResponse> {
    const body = { numberOfPingRequests: 1, timeoutSeconds: PING_TIMEOUT_SECONDS };
    const request = { path: simPath(simId, '/downlink/ping'), body };
    return this.#call(operations.SEND_DOWNLINK_PING, downlinkPingAnswer, request);
  }

  /** Removes this run's secrets from the text. */
  readonly #hide = (text: string): string => this.#channel.secrets.hideIn(text);

  #newDeadline(): number {
    return this.#clock.now() + (this.#options.deadlineMs ?? DEFAULT_DEADLINE);
  }

  async #list<T>(
    operation: ApiOperation,
    schema: ZodMiniType<T[]>,
    path: string,
    enough?: number,
  ): Promise<T[]> {
    const end = this.#newDeadline();
    const read = async (key: string | undefined) => {
      const response = await this.#perform(operation, { path: pathOfPage(path, key) }, end);
      const items = readResponse(operation, schema, response, this.#hide);
      return { items, status: response.status, nextKey: response.headers['x-soracom-next-key'] };
    };
    return readPages(operation, read, enough);
  }

  async #call<T>(operation: ApiOperation, schema: ZodMiniType<T>, request: ApiRequest): Promise<T> {
    return readResponse(operation, schema, await this.#perform(operation, request), this.#hide);
  }

  /** Makes a call. If the API refuses the current token, signs in again and retries once. */
  async #perform(
    operation: ApiOperation,
    request: ApiRequest,
    end = this.#newDeadline(),
  ): Promise<HttpResponse> {
    const { token } = this.#session;
    try {
      return await this.#send(operation, request, token, end);
    } catch (error) {
      const isRefused = error instanceof ApiError && error.status === 401;
      if (!isRefused || !this.#session.canRenew) throw error;
      await this.#session.renew(token, this.#callUntil(end));
      return this.#send(operation, request, this.#session.token, end);
    }
  }

  #callUntil(end: number): Call {
    return async (operation, schema, request, token) =>
      readResponse(operation, schema, await this.#send(operation, request, token, end), this.#hide);
  }

  /** Sends a call and retries it if allowed; resolves with a 2xx response. */
  #send(
    operation: ApiOperation,
    request: ApiRequest,
    token: AuthResponse | undefined,
    end: number,
  ): Promise<HttpResponse> {
    const attempt = async () =>
      this.#channel.send(operation, request, token, this.#timeout(operation, end));
    return sendWithRepeats(operation, attempt, {
      clock: this.#clock,
      mostRepeats: this.#options.mostRepeats,
      random: this.#options.random ?? Math.random,
      end,
      signal: this.#options.signal,
      onWait: this.#options.onWait,
      hide: this.#hide,
    });
  }

  /** @throws ApiError if no time is left for another call */
  #timeout(operation: ApiOperation, end: number): number {
    const { timeoutMs = DEFAULT_TIMEOUT, deadlineMs = DEFAULT_DEADLINE } = this.#options;
    const left = end - this.#clock.now();
    if (left <= 0) {
      throw new ApiError('timeout', {
        what: `cannot ${operation.purpose}`,
        why: `the call took longer than ${deadlineMs / 1000} s in total`,
        next: ['Try again later: the SORACOM API is slow.'],
      });
    }
    // createSim gets its full timeout, because the API sends the private key only once.
    return operation.creates ? timeoutMs : Math.min(timeoutMs, Math.ceil(left));
  }
}

/**
 * @throws UserError of kind `usage` for an empty ID, `.` or `..`, which would change the URL's path
 */
function simPath(simId: string, behind = ''): string {
  if (/^\.{0,2}$/.test(simId)) {
    throw new UserError('usage', {
      what: 'cannot query the SIM',
      why: `"${simId}" is not a SIM ID`,
      next: ['Pass a SIM ID from `arctun sim list`.'],
    });
  }
  return `/sims/${encodeURIComponent(simId)}${behind}`;
}
