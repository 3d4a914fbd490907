/** The open pages, which receive server-sent events. */
import type { ServerResponse } from 'node:http';

/** The maximum number of open pages. */
export const MAX_VIEWERS = 16;

/**
 * The maximum number of bytes that wait for a page that does not read them. Beyond it, the
 * connection is closed; the browser reconnects, and then receives the current state.
 */
export const MAX_WAITING_BYTES = 1024 * 1024;

const HEAD = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
};

export class Viewers {
  readonly #responses = new Set<ServerResponse>();
  readonly #onChange: (count: number) => void;

  /** @param onChange called after a page connects or disconnects */
  constructor(onChange: (count: number) => void) {
    this.#onChange = onChange;
  }

  get isFull(): boolean {
    return this.#responses.size >= MAX_VIEWERS;
  }

  /** @param first the events that describe the current state */
  add(response: ServerResponse, first: string): void {
    this.#responses.add(response);
    response.once('close', () => {
      this.#responses.delete(response);
      this.#onChange(this.#responses.size);
    });
    response.writeHead(200, HEAD).write(first);
    this.#onChange(this.#responses.size);
  }

  send(event: string): void {
    for (const response of this.#responses) {
      if (response.writableLength > MAX_WAITING_BYTES) response.destroy();
      else response.write(event);
    }
  }

  close(): void {
    for (const response of this.#responses) response.destroy();
  }
}

/** Formats an event. JSON does not contain line ends, which would end the data. */
export function eventText(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
