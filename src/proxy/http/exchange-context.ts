/** What an exchange is given: the client's request, and what the exchanges of a listener share. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Dialer, DialTarget } from '../dialer.js';
import type { ProxyLog } from '../proxy-log.js';
import type { BrowserPolicy } from './browser-check.js';
import type { ForwardFailure } from './failure.js';
import type { HeaderField } from './header-fields.js';

/** Where a request goes. */
export interface Destination {
  readonly target: DialTarget;
  /** The request target of the request line to it, in the form for an origin server. */
  readonly path: string;
}

/** What the exchanges of one listener share. */
export interface ExchangeContext {
  /** Where a request goes, or why nowhere. */
  readonly route: (request: IncomingMessage) => Destination | ForwardFailure;
  /** What browsers may send; undefined where a request that a page can send goes nowhere. */
  readonly browsers: BrowserPolicy | undefined;
  /** Added to each request, in place of the client's fields of the same name. */
  readonly headers: readonly HeaderField[];
  readonly dialer: Dialer;
  readonly log: ProxyLog;
  readonly responseTimeout: number;
  readonly idleTimeout: number;
  /** Whether the listener is closing, so that no connection is kept alive. */
  readonly isClosing: () => boolean;
  readonly onFailure: () => void;
}

/** A request as Node hands it over. */
export interface ClientMessage {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The client holds its body back until it is told to go on (RFC 9110 10.1.1). */
  readonly expectsContinue: boolean;
  /** The client asks for another protocol, and Node has let go of its connection (RFC 9110 7.8). */
  readonly upgrades: boolean;
}
