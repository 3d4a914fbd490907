/**
 * A client's request and the response to it, as exchanges use them. Node's IncomingMessage and
 * ServerResponse have these members, and so have WholeRequest and WholeResponse.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';

/** The head of a request. See IncomingMessage. */
export interface ClientHead {
  readonly httpVersionMajor: number;
  readonly httpVersionMinor: number;
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
}

/** See IncomingMessage. */
export interface ClientRequest extends ClientHead {
  readonly socket: Socket;
  readonly rawTrailers: readonly string[];
  readonly complete: boolean;
  readonly readableLength: number;
  read(): unknown;
  pause(): unknown;
  resume(): unknown;
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  once(event: 'end' | 'close', listener: () => void): unknown;
}

/** See ServerResponse. */
export interface ClientResponse {
  shouldKeepAlive: boolean;
  sendDate: boolean;
  readonly useChunkedEncodingByDefault: boolean;
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  /** @param fields alternating names and values */
  writeHead(status: number, reason: string, fields: string[]): unknown;
  writeContinue(): void;
  write(part: Buffer | string): boolean;
  write(empty: '', encoding: 'latin1'): boolean;
  addTrailers(trailers: readonly [string, string][]): void;
  end(): unknown;
  detachSocket(socket: Socket): void;
  once(event: 'finish' | 'drain', listener: () => void): unknown;
}

export interface ClientMessage {
  readonly request: ClientRequest;
  readonly response: ClientResponse;
  /** The client withholds the body until it receives 100 (Continue) (RFC 9110 10.1.1). */
  readonly expectsContinue: boolean;
  /**
   * The client requests a protocol upgrade, and Node has detached the connection (RFC 9110 7.8).
   */
  readonly upgrades: boolean;
}
