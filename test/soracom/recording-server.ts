import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface Recorded {
  readonly method: string;
  readonly url: string;
  /** Names and values alternately, in the order and case of the wire. */
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export type Answer = (response: ServerResponse, request: Recorded) => void;

/** A plain HTTP server on a real socket that records its requests. */
export class RecordingServer {
  readonly requests: Recorded[] = [];
  readonly server: Server;
  /** How each `METHOD path` is answered; anything else gets 404. */
  readonly answers: Map<string, Answer>;
  readonly #sockets = new Set<Socket>();

  private constructor(answers: Readonly<Record<string, Answer>>) {
    this.answers = new Map(Object.entries(answers));
    this.server = createServer((request, response) => {
      void this.#handle(request, response);
    });
    this.server.on('connection', (socket) => this.#sockets.add(socket));
  }

  static async start(answers: Readonly<Record<string, Answer>> = {}): Promise<RecordingServer> {
    const recording = new RecordingServer(answers);
    await new Promise<void>((resolve) => {
      recording.server.listen(0, '127.0.0.1', resolve);
    });
    return recording;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The answers to `POST /v1/auth`, in order. */
  get calls(): string[] {
    return this.requests.map(({ method, url }) => `${method} ${url}`);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk as string;
    const { method = '', url = '', rawHeaders, headers } = request;
    const recorded = { method, url, rawHeaders, headers, body };
    this.requests.push(recorded);
    const answer = this.answers.get(`${method} ${url}`) ?? status(404);
    answer(response, recorded);
  }
}

export function json(value: unknown, code = 200): Answer {
  return (response) => {
    response.writeHead(code, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
  };
}

export function status(code: number, body = '', headers: Record<string, string> = {}): Answer {
  return (response) => {
    response.writeHead(code, headers).end(body);
  };
}

/** Reads the request and then cuts the connection. */
export const cut: Answer = (response) => {
  response.socket?.destroy();
};

/** Reads the request and never answers. */
export const silence: Answer = () => undefined;
