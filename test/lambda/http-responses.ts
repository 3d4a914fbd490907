/** A local HTTP server whose answers a test writes; it records the requests. */
import {
  createServer,
  type IncomingHttpHeaders,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export class HttpAnswers {
  readonly asked: Asked[] = [];
  /** Called for each request, after its body was read. */
  answer: (response: ServerResponse, asked: Asked) => void = (response) => void response.end();
  readonly #server = createServer(((request, response) => {
    void text(request).then((body) => {
      const { method = '', url = '', headers } = request;
      const asked = { method, url, headers, body };
      this.asked.push(asked);
      this.answer(response, asked);
    });
  }) satisfies RequestListener);

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Answers all further requests with this. */
  give(status: number, body: string, headers: Record<string, string> = {}): void {
    this.answer = (response) => void response.writeHead(status, headers).end(body);
  }

  async open(host = '127.0.0.1'): Promise<void> {
    await new Promise<void>((resolve) => void this.#server.listen(0, host, resolve));
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}
