/** A client for Lambda's Extensions API (2020-01-01). */
import { messageOf } from '../lib/errors/error-message.js';
import { UserError } from '../lib/errors/user-error.js';
import { parseJson } from '../lib/text/parse-json.js';
import { localRequest, type LocalRequest, type LocalResponse } from './local-request.js';

export type EventType = 'INVOKE' | 'SHUTDOWN';

/**
 * Lambda's events, with only the fields that are used. They do not include the event that the
 * function receives.
 */
export type ExtensionEvent =
  | { readonly type: 'INVOKE'; readonly deadlineMs: number }
  | {
      readonly type: 'SHUTDOWN';
      /** The reason in lower case: `spindown`, `timeout`, `failure`, or another value. */
      readonly reason: string;
      /** The time in Unix milliseconds at which Lambda kills the remaining processes. */
      readonly deadlineMs: number;
    };

/** The body of init/error and exit/error; `type` has the form `Extension.Reason`. */
export interface ReportedError {
  readonly type: string;
  readonly message: string;
}

/** Maximum response size in bytes, larger than any of Lambda's events. */
const MAX_ANSWER = 1024 * 1024;

/**
 * The timeout of an error report in milliseconds; it is short because the process is about to exit.
 */
const REPORT_TIME = 1_000;

/** The maximum number of characters of an error response to show. */
const SHOWN = 300;

type Call = Partial<Omit<LocalRequest, 'method' | 'limit'>>;

export class ExtensionsApi {
  readonly #base: URL;
  /** The executable's file name, which identifies the extension to Lambda. */
  readonly #name: string;
  #identifier = '';

  /** @param address host and port, in the form of AWS_LAMBDA_RUNTIME_API */
  constructor(address: string, name: string) {
    this.#base = new URL(`http://${address}/2020-01-01/extension/`);
    this.#name = name;
  }

  /**
   * Registers the extension. The runtime starts only after all external extensions have registered.
   *
   * @param onSent called when the request has been passed to the operating system, so that slow
   * work can start
   * @throws UserError
   */
  async register(events: readonly EventType[], onSent: () => void): Promise<void> {
    const headers = { 'Lambda-Extension-Name': this.#name };
    const answer = await this.#call('POST', 'register', { headers, body: { events }, onSent });
    const identifier = answer.headers['lambda-extension-identifier'];
    if (typeof identifier !== 'string' || identifier === '') {
      throw refused('register', 'the response does not contain an identifier');
    }
    this.#identifier = identifier;
  }

  /**
   * Reports the current event as done and waits for the next event. The wait has no timeout,
   * because Lambda may freeze the process meanwhile. @throws UserError
   */
  async next(): Promise<ExtensionEvent> {
    const { body } = await this.#call('GET', 'event/next');
    const event = parseEvent(body);
    if (event === undefined) throw refused('event/next', 'the response is not an event');
    return event;
  }

  /** Reports a failed start. May be called only before the first next(). @throws UserError */
  async initError(error: ReportedError): Promise<void> {
    await this.#report('init/error', error);
  }

  /** Reports that the extension exits with an error. @throws UserError */
  async exitError(error: ReportedError): Promise<void> {
    await this.#report('exit/error', error);
  }

  async #report(path: string, { type, message }: ReportedError): Promise<void> {
    const headers = { 'Lambda-Extension-Function-Error-Type': type };
    const body = { errorMessage: message, errorType: type, stackTrace: [] };
    await this.#call('POST', path, { headers, body, timeout: REPORT_TIME });
  }

  async #call(method: string, path: string, options: Call = {}): Promise<LocalResponse> {
    const headers = {
      ...options.headers,
      ...(this.#identifier !== '' && { 'Lambda-Extension-Identifier': this.#identifier }),
    };
    const call = { ...options, method, headers, limit: MAX_ANSWER };
    const answer = await localRequest(new URL(path, this.#base), call).catch((error: unknown) => {
      throw refused(path, messageOf(error), error);
    });
    const { status, body } = answer;
    if (status >= 200 && status < 300) return answer;
    throw refused(
      path,
      [`status ${status}`, body.trim().slice(0, SHOWN)].filter(Boolean).join(': '),
    );
  }
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

function refused(path: string, why: string, cause?: unknown): UserError {
  return new UserError('failed', {
    what: `a call to Lambda's Extensions API failed (${path})`,
    why,
    cause,
  });
}
