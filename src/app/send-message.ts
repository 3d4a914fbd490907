/** Sends one message to the Unified Endpoint and closes the tunnel. */
import { DialError } from '../proxy/dialer.js';
import { exchangeHttp, type HttpAnswer, type HttpMessage } from '../proxy/http-exchange.js';
import { UserError } from '../lib/user-error.js';
import { TunnelError } from '../tunnel/tunnel-error.js';
import type { TunnelPorts } from '../tunnel/userspace-tunnel.js';
import { openTunnel, type OpenTunnelOptions } from './open-tunnel.js';

export interface SendOptions extends OpenTunnelOptions {
  /** The target inside the tunnel: IP text and port. */
  readonly target: { readonly host: string; readonly port: number };
  readonly message: HttpMessage;
}

/** Without a byte either way for this long, the exchange is given up. */
const IDLE_TIMEOUT = 30_000;

/** Answers of the platform's services are small; this is room enough for any. */
const MAX_ANSWER = 16 * 1024 * 1024;

/**
 * @throws TunnelError when there is no handshake or no connection, UserError `failed` when the
 *   exchange breaks
 */
export async function sendMessage(options: SendOptions, ports: TunnelPorts): Promise<HttpAnswer> {
  const { tunnel, handshake } = await openTunnel(options, ports);
  try {
    await handshake;
    return await exchangeHttp(tunnel.dialer, options.target, options.message, {
      idleTimeout: IDLE_TIMEOUT,
      maxAnswerBytes: MAX_ANSWER,
      ...(options.signal && { signal: options.signal }),
    });
  } catch (error) {
    throw explain(error, options);
  } finally {
    await tunnel.close();
  }
}

function explain(error: unknown, { target }: SendOptions): unknown {
  if (error instanceof UserError || !(error instanceof Error)) return error;
  const what = `cannot send to ${target.host}:${target.port}`;
  if (error instanceof DialError) {
    return new TunnelError({ what, why: error.message }, { cause: error });
  }
  return new UserError(
    'failed',
    {
      what,
      why: error.message,
      next: ['The message may have arrived or not: it was sent once and is not repeated.'],
    },
    { cause: error },
  );
}
