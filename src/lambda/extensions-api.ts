/**
 * A client of Lambda's Extensions API (2020-01-01), over node:http: fetch() gives up after 300 s, and an
 * environment may wait for its next event for hours.
 */
import { type ClientRequest, type IncomingMessage, request } from 'node:http';

import { UserError } from '../lib/errors/user-error.js';
import { readLimited } from '../lib/read-limited.js';
import { parseJson } from '../lib/text/parse-json.js';

export type EventType = 'INVOKE' | 'SHUTDOWN';

/** Lambda's events, as far as we look at them. The event of the function is in none of them. */
export type ExtensionEvent =
  | { readonly type: 'INVOKE'; readonly deadlineMs: number }
  | {
      readonly type: 'SHUTDOWN';
      /** In lower case: `spindown`, `timeout`, `failure`, or another. */
      readonly reason: string;
      /** Unix milliseconds at which what still runs is killed. */
      readonly deadlineMs: number;
    };

/** What init/error and exit/error take: `Extension.Reason`. */
export interface ReportedError {
  readonly type: string;
  readonly message: string;
}

interface ApiResponse {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** More than any event has; an answer beyond it is not Lambda's. */
const MAX_ANSWER = 1024 * 1024;

/** Milliseconds: whoever reports an error is about to end. */
const REPORT_TIME = 1_000;

/** Characters of a refusal that are shown. */
const SHOWN = 300;

interface Call {
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  readonly onSent?: () => void;
  /** Milliseconds for the whole answer; without a limit where it is left out. */
  readonly timeout?: number;
}

export class ExtensionsApi {
  readonly #base: URL;
  /** The name of the executable's file, by which Lambda knows it. */
  readonly #name: string;
  #identifier = '';

  /** @param address as AWS_LAMBDA_RUNTIME_API has it: host and port */
  constructor(address: string, name: string) {
    this.#base = new URL(`http://${address}/2020-01-01/extension/`);
    this.#name = name;
  }

  /**
   * All external extensions have to be registered before the runtime starts.
   *
   * @param onSent called when the request is the system's: what takes time may begin
   * @throws UserError
   */
  async register(events: readonly EventType[], onSent: () => void): Promise<void> {
    const headers = { 'Lambda-Extension-Name': this.#name };
    const answer = await this.#call('POST', 'register', { headers, body: { events }, onSent });
    const identifier = answer.headers['lambda-extension-identifier'];
    if (typeof identifier !== 'string' || identifier === '') {
      throw refused('register', 'the answer has no identifier');
    }
    this.#identifier = identifier;
  }

  /**
   * Says that this event is done, and waits for the next one, without a limit: Lambda may freeze us here.
   *
   * @throws UserError
   */
  async next(): Promise<ExtensionEvent> {
    const { body } = await this.#call('GET', 'event/next');
    const event = parseEvent(body);
    if (event === undefined) throw refused('event/next', 'the answer is no event');
    return event;
  }

  /** The environment cannot start. Only before the first next(). @throws UserError */
  async initError(error: ReportedError): Promise<void> {
    await this.#report('init/error', error);
  }

  /** The extension ends. @throws UserError */
  async exitError(error: ReportedError): Promise<void> {
    await this.#report('exit/error', error);
  }

  async #report(path: string, { type, message }: ReportedError): Promise<void> {
    const headers = { 'Lambda-Extension-Function-Error-Type': type };
    const body = { errorMessage: message, errorType: type, stackTrace: [] };
    await this.#call('POST', path, { headers, body, timeout: REPORT_TIME });
  }

  async #call(method: string, path: string, options: Call = {}): Promise<ApiResponse> {
    const { status, headers, body } = await this.#exchange(method, path, options);
    if (status >= 200 && status < 300) return { status, headers, body };
    throw refused(
      path,
      [`status ${status}`, body.trim().slice(0, SHOWN)].filter(Boolean).join(': '),
    );
  }

  #exchange(
    method: string,
    path: string,
    { headers, body, onSent, timeout }: Call,
  ): Promise<ApiResponse> {
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    return new Promise((resolve, reject) => {
      const call: ClientRequest = request(new URL(path, this.#base), {
        method,
        // A connection of its own: one that is kept may be dead behind a freeze.
        agent: false,
        headers: {
          ...headers,
          ...(this.#identifier !== '' && { 'Lambda-Extension-Identifier': this.#identifier }),
          ...(content && { 'Content-Type': 'application/json', 'Content-Length': content.length }),
        },
      });
      const timer =
        timeout === undefined
          ? undefined
          : setTimeout(() => call.destroy(new Error(`no answer in ${timeout} ms`)), timeout);
      const fail = (error: Error) => {
        clearTimeout(timer);
        reject(refused(path, error.message, error));
      };
      call.on('error', fail);
      if (onSent !== undefined) call.once('finish', onSent);
      call.once('response', (response) => {
        readBody(response).then((text) => {
          clearTimeout(timer);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
        }, fail);
      });
      call.end(content);
    });
  }
}

async function readBody(response: IncomingMessage): Promise<string> {
  const tooLong = () => new Error(`the answer is longer than ${MAX_ANSWER} bytes`);
  return Buffer.concat(await readLimited<Buffer>(response, MAX_ANSWER, tooLong)).toString('utf8');
}

function parseEvent(text: string): ExtensionEvent | undefined {
  const event = parseJson(text);
  if (typeof event !== 'object' || event === null) return undefined;
  const { eventType, deadlineMs, shutdownReason } = event as Record<string, unknown>;
  if (typeof deadlineMs !== 'number' || !Number.isFinite(deadlineMs)) return undefined;
  if (eventType === 'INVOKE') return { type: eventType, deadlineMs };
  if (eventType !== 'SHUTDOWN') return undefined;
  const reason = typeof shutdownReason === 'string' ? shutdownReason.toLowerCase() : '';
  return { type: eventType, reason, deadlineMs };
}

function refused(path: string, why: string, cause?: Error): UserError {
  return new UserError(
    'failed',
    { what: `Lambda's Extensions API does not take ${path}`, why },
    { cause },
  );
}
