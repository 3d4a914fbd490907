import type { LocalConnections } from '../../../src/ports/local-sockets.js';
import { systemError } from './memory-network.js';

/** Sockets by path: the reply of each, or the code of the error with which it fails. */
export class FakeConnections implements LocalConnections {
  readonly sockets = new Map<string, string | { readonly code: string }>();
  /** The requests made, as path and request. */
  readonly asked: (readonly [path: string, request: string])[] = [];

  async list(folder: string): Promise<readonly string[]> {
    await Promise.resolve();
    return [...this.sockets.keys()].filter((path) => path.startsWith(`${folder}/`)).sort();
  }

  async ask(path: string, request: string, end: string): Promise<string> {
    await Promise.resolve();
    this.asked.push([path, request]);
    const answer = this.sockets.get(path) ?? { code: 'ENOENT' };
    if (typeof answer !== 'string') throw systemError('connect', answer.code);
    if (!answer.endsWith(end)) throw new Error(`${path} ends with ${JSON.stringify(answer)}`);
    return answer;
  }
}
