/**
 * Requests of WireGuard's userspace interface out of a stream of text (wireguard.com/xplatform): lines,
 * the first of which names the operation, up to an empty one.
 */
import { parseSetRequest, type SetRequest } from './set-request.js';

export type Request =
  | { readonly operation: 'get' }
  | { readonly operation: 'set'; readonly request: SetRequest }
  /** Nothing that can be done. */
  | { readonly operation: 'invalid' };

/** What one request may have: a hundred thousand allowed IPs are 5 MB. */
const LONGEST_REQUEST = 64 * 1024 * 1024;

export class RequestReader {
  #lines: string[] = [];
  #rest = '';
  #length = 0;

  /** More has been written than a request may have: nothing more is read. */
  get isOverlong(): boolean {
    return this.#length > LONGEST_REQUEST;
  }

  /** Takes what came, and gives the requests that are complete with it. */
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
