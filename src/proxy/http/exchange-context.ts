/** The destination of a request, and the state that the exchanges of a listener share. */
import type { ChosenTunnel } from '../authentication/tunnel-choice.js';
import type { Dialer, DialTarget } from '../dialer.js';
import type { ProxyLog } from '../proxy-log.js';
import type { SpoolKeeper } from '../spool/spool-keeper.js';
import type { BrowserPolicy } from './browser-check.js';
import type { ClientHead } from './client/client-message.js';
import type { ForwardFailure } from './failure.js';
import type { HeaderField } from './header-fields.js';
import type { KeptConnections } from './target/kept-connections.js';

/** The target of a request. */
export interface Destination {
  readonly target: DialTarget;
  /** The origin-form request target for the upstream request line. */
  readonly path: string;
  /** The tunnel to use instead of the listener's. */
  readonly via?: ChosenTunnel | undefined;
  /** The name, in lower case, of a field that is not forwarded. */
  readonly without?: string | undefined;
}

/** The state that the exchanges of one listener share. */
export interface ExchangeContext {
  /** Returns the destination of a request, or the reason why it cannot be forwarded. */
  readonly route: (request: ClientHead) => Destination | ForwardFailure;
  /** The browser requests to allow; undefined if a page's request can never be forwarded. */
  readonly browsers: BrowserPolicy | undefined;
  /** Fields added to each request; they replace the client's fields of the same name. */
  readonly headers: readonly HeaderField[];
  readonly dialer: Dialer;
  /**
   * The connections to keep for further requests; undefined to close each connection after one
   * request.
   */
  readonly kept: KeptConnections | undefined;
  /** Keeps requests that cannot be sent; undefined if they fail. */
  readonly keeper: SpoolKeeper | undefined;
  readonly log: ProxyLog;
  readonly responseTimeout: number;
  readonly idleTimeout: number;
  /** Whether the listener is closing, so that connections are no longer kept alive. */
  readonly isClosing: () => boolean;
  readonly onFailure: () => void;
}
