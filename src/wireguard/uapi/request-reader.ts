/**
 * Splits a stream of text into requests of WireGuard's userspace interface
 * (wireguard.com/xplatform). A request is a series of lines that ends with an empty line; the first
 * line names the operation.
 */
import { parseSetRequest, type SetRequest } from './set-request.js';

export type Request =
  | { readonly operation: 'get' }
  | { readonly operation: 'set'; readonly request: SetRequest }
  /** The request is malformed or unsupported. */
  | { readonly operation: 'invalid' };

/**
 * The maximum size of one request, in characters; a request with 100,000 allowed IPs needs about 5
 * MB.
 */
const LONGEST_REQUEST = 64 * 1024 * 1024;

export class RequestReader {
  #lines: string[] = [];
  #rest = '';
  #length = 0;

  /** Whether the current request exceeds the maximum size. Further input is ignored. */
  get isOverlong(): boolean {
    return this.#length > LONGEST_REQUEST;
  }

  /** Appends input and returns the requests that it completes. */
  read(text: string): Request[] {
    this.#length += text.length;
    if (this.isOverlong) {
      this.#lines = [];
      this.#rest = '';
      return [];
    }
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    const requests: Request[] = [];
    for (const line of lines) {
      if (line !== '') {
        this.#lines.push(line);
        continue;
      }
      requests.push(requestOf(this.#lines));
      this.#lines = [];
      this.#length = this.#rest.length;
    }
    return requests;
  }
}

function requestOf([operation, ...lines]: readonly string[]): Request {
  if (operation === 'get=1' && lines.length === 0) return { operation: 'get' };
  const request = operation === 'set=1' ? parseSetRequest(lines) : undefined;
  return request === undefined ? { operation: 'invalid' } : { operation: 'set', request };
}
