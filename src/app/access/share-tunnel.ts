/** Uses the tunnel of a running `up`, over its control socket or through its network interface. */
import { parseIp } from '../../arc-config/value-syntax.js';
import { codeOf, isDenied, messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import { pause } from '../../lib/waits.js';
import type { LocalConnections } from '../../ports/local-sockets.js';
import { DialError } from '../../proxy/dialer.js';
import type { EchoDialer } from '../../proxy/echo-dialer.js';
import type { LocalStreams } from '../../proxy/shared/local-streams.js';
import { SharedDatagramDialer } from '../../proxy/shared/shared-datagrams.js';
import { SharedEchoDialer } from '../../proxy/shared/shared-echo.js';
import { SharedDialer, type SharedDialerOptions } from '../../proxy/shared/shared-dialer.js';
import { type BoundSockets, interfaceDialers } from '../../tunnel/interface/interface-dialer.js';
import { TunnelError } from '../../tunnel/tunnel-error.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import { LINE_END, readStatusAnswer, STATUS_REQUEST } from '../status/control-session.js';
import { isAbandoned } from '../status/find-tunnels.js';
import { healthReasons } from '../status/status-texts.js';
import type { StatusReport } from '../status/status-report.js';
import type { SharingUp } from '../up/claim-sim.js';
import { simUseText } from '../up/sim-use.js';
import type { AccessOptions, TunnelAccess } from './access.js';
import { failureFrom, otherVersion } from './portable-failure.js';

export interface ShareTunnelPorts {
  readonly connections: LocalConnections;
  readonly localStreams: LocalStreams;
  readonly boundSockets: BoundSockets;
}

/** The interval in milliseconds between queries while the first handshake is in progress. */
const QUESTION_INTERVAL = 200;

/**
 * @throws TunnelError if the `up` has had no handshake within `wait`
 * @throws Error with the system's `code`: EACCES if another user owns the socket, or a code for which
 * hasStopped() is true
 */
export async function shareTunnel(
  { use }: SharingUp,
  options: AccessOptions,
  ports: TunnelPorts & ShareTunnelPorts,
): Promise<TunnelAccess> {
  const { socket } = use;
  const holder = simUseText(use);
  await ports.localStreams.check(socket);
  const report = await waitUntilUp(use, options, ports);
  ports.log.debug({ holder, mode: report.mode }, 'using the tunnel of a running command');
  const nameServers = report.nameServers ?? options.config.nameServers;
  const { listeners } = report;
  const rest = { via: 'shared', nameServers, listeners, close: done } as const;
  if (report.mode !== 'userspace') {
    const allowedIps = allAllowed(report);
    const tunnel = { ...report, name: report.interface, nameServers, allowedIps };
    const echoDialer = new RefusedEchoDialer(report, holder);
    return { ...interfaceDialers(tunnel, ports.boundSockets, ports), echoDialer, ...rest };
  }
  const shared: SharedDialerOptions = {
    connect: () => connectTo(socket, holder, ports.localStreams),
    refusal: (reply) => failureFrom(reply, holder),
    lost: () => lostError(holder),
  };
  const confirms = options.command === 'send';
  return {
    dialer: new SharedDialer(shared, confirms),
    datagramDialer: new SharedDatagramDialer(shared),
    echoDialer: new SharedEchoDialer(shared, ports.clock),
    ...rest,
  };
}

/** Whether the process no longer listens at its socket, or has ended a connection without answer. */
export function hasStopped(error: unknown): boolean {
  const code = codeOf(error);
  return isAbandoned(code) || code === 'ECONNRESET' || code === 'EPIPE';
}

/** @throws DialError `not-ready` if the process has ended, so that nothing was sent */
async function connectTo(
  socket: string,
  holder: string,
  localStreams: LocalStreams,
): ReturnType<LocalStreams['open']> {
  try {
    return await localStreams.open(socket);
  } catch (error) {
    if (!hasStopped(error)) throw error;
    const why = `${holder}, which owns the tunnel, has stopped`;
    throw new DialError('not-ready', why, { cause: lostError(holder) });
  }
}

/** Refers to the system's ping, because an ICMP socket requires a privilege or a system setting. */
class RefusedEchoDialer implements EchoDialer {
  readonly #report: StatusReport;
  readonly #holder: string;

  constructor(report: StatusReport, holder: string) {
    this.#report = report;
    this.#holder = holder;
  }

  open(host: string): Promise<never> {
    const { mode, interface: name } = this.#report;
    const isAddress = parseIp(host) !== undefined;
    const next = [
      ...(isAddress ? [] : ['Look up the address of the host with "arctun dig".']),
      `Use the system's ping: ping -I ${name} ${isAddress ? host : 'ADDRESS'}`,
    ];
    const why = `${this.#holder} is in ${mode} mode, in which the system sends pings`;
    const error = new UserError('usage', { what: `cannot ping ${host}`, why, next });
    return Promise.reject(error);
  }
}

function done(): Promise<void> {
  return Promise.resolve();
}

function allAllowed({ peers }: StatusReport): readonly string[] {
  return peers.flatMap(({ allowedIps }) => allowedIps);
}

/** The error if the process ends while a connection is open. */
export function lostError(holder: string): TunnelError {
  return new TunnelError('closing', {
    what: 'the connection was lost',
    why: `${holder}, which owns the tunnel, has stopped`,
    next: ['Start "arctun up" again, and repeat the command.'],
  });
}

/** Returns the status once the first handshake is complete. */
async function waitUntilUp(
  use: SharingUp['use'],
  { wait, signal }: AccessOptions,
  { connections, clock }: TunnelPorts & ShareTunnelPorts,
): Promise<StatusReport> {
  const deadline = wait === 0 ? Infinity : clock.now() + wait;
  for (;;) {
    signal?.throwIfAborted();
    const report = await statusOf(use, connections);
    // A later silence may be over; the connection itself finds out.
    if (report.health !== 'connecting') return report;
    if (clock.now() >= deadline) throw noHandshake(report);
    await pause(QUESTION_INTERVAL, clock, signal);
  }
}

/** @throws Error with the system's `code` if access is denied or the process has ended; UserError */
async function statusOf(
  use: SharingUp['use'],
  connections: LocalConnections,
): Promise<StatusReport> {
  let line: string;
  try {
    line = await connections.ask(use.socket, STATUS_REQUEST, LINE_END);
  } catch (error) {
    if (isDenied(error) || hasStopped(error)) throw error;
    throw cannotShare(`${simUseText(use)}: ${messageOf(error)}`, error);
  }
  try {
    return readStatusAnswer(line);
  } catch (error) {
    throw cannotShare(otherVersion(simUseText(use)), error);
  }
}

function cannotShare(why: string, cause: unknown): UserError {
  return new UserError('tunnel', {
    what: 'cannot use the open tunnel',
    why,
    next: ['Restart "arctun up", and repeat the command.'],
    cause,
  });
}

function noHandshake(report: StatusReport): TunnelError {
  const why = healthReasons(report).join('; ');
  return new TunnelError(report.silence?.reason ?? 'no-answer', {
    what: 'no handshake with the Arc server',
    why: why === '' ? 'the running "arctun up" is still connecting' : why,
    next: ['Run "arctun status" for details.'],
  });
}
