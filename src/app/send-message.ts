/** Sends one message to Unified Endpoint, through the running `up` or a tunnel of its own. */
import { messageOf } from '../lib/errors/error-message.js';
import { StoppedError } from '../lib/errors/stopped-error.js';
import { UserError } from '../lib/errors/user-error.js';
import { type Dialer, DialError } from '../proxy/dialer.js';
import { exchangeHttp, type HttpResponse, type HttpMessage } from '../proxy/http-exchange.js';
import { exchangeTcp } from '../proxy/tcp-exchange.js';
import { exchangeUdp } from '../proxy/udp-exchange.js';
import { maxDatagramPayload } from '../tunnel/node/datagram-channel.js';
import { TunnelError } from '../tunnel/tunnel-error.js';
import type { TunnelAccess } from './access/access.js';
import { dialFailure } from './access/dial-failure.js';
import { type AccessPorts, openAccess } from './access/tunnel-access.js';
import { readableWarning } from './config/config-file-rights.js';
import type { LoadedArcConfig } from './config/load-arc-config.js';
import type { OpenTunnelOptions } from './up/open-tunnel.js';
import { planTunnel } from './up/plan-tunnel.js';
import { openSpool, ownSpool, type OwnSpoolPorts, type SpoolSettings } from './spool/open-spool.js';
import {
  keepMessage,
  type KeptMessage,
  type SpooledSend,
  sendSpooled,
} from './spool/send-spooled.js';
import type { Spool } from '../proxy/spool/spool.js';

/** A message, and the protocol used to send it. */
export type Message =
  | { readonly via: 'http'; readonly request: HttpMessage }
  | { readonly via: 'tcp' | 'udp'; readonly payload: Uint8Array };

/** The response, which may be empty over TCP and UDP, or the ID under which a spool keeps the message. */
export type SendResponse =
  | { readonly via: 'http'; readonly response: HttpResponse }
  | { readonly via: 'tcp' | 'udp'; readonly payload: Uint8Array | undefined }
  | KeptMessage;

export interface SendOptions extends OpenTunnelOptions {
  readonly arcConfig: LoadedArcConfig;
  /** The destination inside the tunnel: IP address and port. */
  readonly target: { readonly host: string; readonly port: number };
  readonly message: Message;
  /** Timeout in milliseconds: until the response starts (TCP, UDP), or for inactivity (HTTP). */
  readonly timeout: number;
  /** Whether to send even if another process on this machine is using the SIM. */
  readonly force: boolean;
  /** This process's ID. */
  readonly pid: number;
  /** Where to keep the message if it cannot be sent; only over HTTP. */
  readonly spool?: SpoolSettings | undefined;
}

export type SendPorts = AccessPorts & Partial<Pick<OwnSpoolPorts, 'openFolder'>>;

/** The maximum response size in bytes; responses from SORACOM's services are much smaller. */
const MAX_ANSWER = 16 * 1024 * 1024;

/**
 * Sends the message and returns the response. Waits for another `send` with the same SIM to end.
 *
 * @throws UserError of kind `tunnel` if another process that does not share its tunnel is using the
 * SIM
 * @throws UserError of kind `usage` if a UDP message does not fit into one packet
 * @throws TunnelError if no handshake or connection succeeds
 * @throws UserError of kind `failed` if the exchange fails
 * @throws StoppedError if a signal stops the process; a spool may have kept the message
 */
export async function sendMessage(options: SendOptions, ports: SendPorts): Promise<SendResponse> {
  const { arcConfig, message, target } = options;
  const config = planTunnel({ arcConfig }, ports);
  if (message.via === 'udp') requireOnePacket(message.payload, target.host, config.mtu);
  const warning = readableWarning(arcConfig);
  if (warning !== undefined) ports.log.warn({}, warning);
  const open = () => openAccess({ ...options, command: 'send', config }, ports);
  const { openFolder } = ports;
  if (options.spool !== undefined && openFolder !== undefined && message.via === 'http') {
    return sendOrKeep(
      { ...options, spool: options.spool, message },
      { ...ports, openFolder },
      open,
    );
  }
  const access = await open();
  try {
    return await exchange(access, options);
  } catch (error) {
    throw explain(error, options);
  } finally {
    // The response is complete, or the exchange failed, so close without a grace period.
    await access.close();
  }
}

interface SpoolingOptions extends SendOptions {
  readonly spool: SpoolSettings;
  readonly message: Message & { readonly via: 'http' };
}

async function sendOrKeep(
  options: SpoolingOptions,
  ports: AccessPorts & OwnSpoolPorts,
  open: () => Promise<TunnelAccess>,
): Promise<SendResponse> {
  const { spool: settings, signal } = options;
  const { spool, close } = await ownSpool(settings, options, ports).catch(
    async (error: unknown) => {
      if (signal?.aborted === true && error === signal.reason) {
        // The process that uses the folder, or the next one, sends the message.
        const opened = await openSpool(settings, ports);
        const send = spooledSend(opened.spool, options, ports);
        unlessStopped(await keepMessage(send, messageOf(error)), signal);
      }
      throw error;
    },
  );
  const send = spooledSend(spool, options, ports);
  try {
    const access = await open().catch((error: unknown) => ({ error }));
    if ('error' in access) {
      const { error } = access;
      const isSilent = error instanceof UserError && error.kind === 'tunnel';
      if (!isSilent && signal?.aborted !== true) throw error;
      const why = error instanceof UserError ? error.why : messageOf(error);
      return unlessStopped(await keepMessage(send, why), signal);
    }
    try {
      return unlessStopped(await sendSpooled(send, access.dialer), signal);
    } finally {
      await access.close();
    }
  } finally {
    await close();
  }
}

function spooledSend(
  spool: Spool,
  options: SpoolingOptions,
  { log }: Pick<OwnSpoolPorts, 'log'>,
): SpooledSend<SendResponse> {
  const { spool: settings, message, target, timeout, signal } = options;
  return {
    ...{ spool, path: settings.folder, target, message: message.request, timeout, signal, log },
    exchange: (dialer) => exchangeOverHttp(dialer, message.request, options),
    explain: (error) => explain(error, options),
  };
}

/** @throws StoppedError if the message was kept because a signal stops the process */
function unlessStopped(answer: SendResponse, signal: AbortSignal | undefined): SendResponse {
  const stop: unknown = signal?.reason;
  if (answer.via !== 'spool' || !(stop instanceof StoppedError)) return answer;
  throw new StoppedError(stop.signal, {
    why: `the spool keeps the message as ${answer.id}, because nothing was sent`,
    next: ['The next "arctun send --spool" or "arctun spool send" sends it.'],
    cause: stop,
  });
}

async function exchangeOverHttp(
  dialer: Dialer,
  request: HttpMessage,
  { target, timeout, signal }: SendOptions,
): Promise<SendResponse> {
  const idle = { idleTimeout: timeout, maxAnswerBytes: MAX_ANSWER, ...(signal && { signal }) };
  return { via: 'http', response: await exchangeHttp(dialer, target, request, idle) };
}

function exchange(access: TunnelAccess, options: SendOptions): Promise<SendResponse> {
  const { message, target, timeout, signal } = options;
  const limits = { timeout, maxAnswerBytes: MAX_ANSWER, ...(signal && { signal }) };
  switch (message.via) {
    case 'http':
      return exchangeOverHttp(access.dialer, message.request, options);
    case 'tcp':
      return exchangeTcp(access.dialer, target, message.payload, limits).then((payload) => ({
        via: 'tcp',
        payload,
      }));
    case 'udp':
      return exchangeUdp(access.datagramDialer, target, message.payload, limits).then(
        (payload) => ({ via: 'udp', payload }),
      );
  }
}

/** Rejects payloads that need several packets, because NATs and firewalls often drop fragments. */
function requireOnePacket(payload: Uint8Array, host: string, mtu: number): void {
  const limit = maxDatagramPayload(mtu, host.includes(':') ? 6 : 4);
  if (payload.length <= limit) return;
  throw new UserError('usage', {
    what: `cannot send ${payload.length} bytes over UDP`,
    why: `a packet in the tunnel (MTU ${mtu}) can hold ${limit} bytes, and arctun does not fragment packets`,
    next: ['Send a shorter message, or use --via tcp or --via http.'],
  });
}

const MAYBE_SENT = [
  'The message may have arrived, but it was not sent twice.',
  'Before you send it again, check whether it arrived.',
];

function explain(error: unknown, { target }: SendOptions): unknown {
  if (!(error instanceof Error)) return error;
  const what = `cannot send to ${target.host}:${target.port}`;
  if (error instanceof TunnelError && error.reason === 'closing') {
    return new TunnelError('closing', { what, why: error.why, next: MAYBE_SENT, cause: error });
  }
  if (error instanceof UserError) return error;
  if (error instanceof DialError) {
    const advice = "Check the target's address and port (--forward-to).";
    return dialFailure(error, what, advice, target.host);
  }
  return new UserError('failed', {
    what,
    why: error.message,
    next: MAYBE_SENT,
    cause: error,
  });
}
