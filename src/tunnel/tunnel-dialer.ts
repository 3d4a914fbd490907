/** Opens TCP connections through an engine: the Dialer that the proxies use. */
import type { Peer } from '../engine/engine.js';
import { type NetstackEngine, StackExhaustedError } from '../engine/netstack-engine.js';
import { abortReason } from '../lib/errors/error-message.js';
import { type Dialer, DialError, type DialFailure, type DialTarget } from '../proxy/dialer.js';
import type { IpAddress } from '../wire/ip-address.js';
import { SUSPECT_AFTER } from './answer-watch.js';
import type { Driver } from './driver.js';
import { DialledConnection } from './node/dialled-connection.js';
import { ADDRESS_GONE } from './node/node-errors.js';
import type { Timer } from '../ports/clock.js';
import type { BudgetGuard } from './traffic/budget-gate.js';
import {
  closingTunnel,
  routeTo,
  type PeerSilence,
  SILENCE_TIMEOUT,
  silentPeer,
} from './server/route.js';
import { TcpSocket } from './node/tcp-socket.js';

/** The time in ms after which an unfinished dial fails. */
const DIAL_TIMEOUT = 20_000;

export interface TunnelDialerOptions {
  readonly engine: NetstackEngine;
  readonly driver: Driver;
  readonly silence: PeerSilence;
  readonly budget?: BudgetGuard | undefined;
  /** Called with each connection that is returned to a caller. */
  readonly onDialled?: (socket: TcpSocket) => void;
}

export class TunnelDialer implements Dialer {
  readonly #options: TunnelDialerOptions;
  /** Ends each dial in progress. */
  readonly #endings = new Set<(error: DialError) => void>();
  /** The error with which new dials fail, if dialing has ended. */
  #closed: DialError | undefined;

  constructor(options: TunnelDialerOptions) {
    this.#options = options;
  }

  /** Refuses new dials and fails those in progress. */
  close(): void {
    this.#end(closingTunnel());
  }

  /** Like close(), but dials fail because the peer is silent. */
  giveUp(): void {
    this.#end(silentPeer(this.#options.silence.explain()));
  }

  #end(error: DialError): void {
    this.#closed ??= error;
    for (const end of [...this.#endings]) end(error);
  }

  async dial(target: DialTarget, signal?: AbortSignal): Promise<TcpSocket> {
    const dialled = await this.connect(target, signal);
    const socket = new TcpSocket(this.#options.driver);
    // Ignore errors: if the socket is reset before the caller adds a listener, the caller finds it
    // destroyed.
    socket.on('error', () => undefined);
    this.#options.onDialled?.(socket);
    socket.takeOver(dialled);
    return socket;
  }

  /** Like dial(), for a socket that the caller creates. */
  async connect(target: DialTarget, signal?: AbortSignal): Promise<DialledConnection> {
    signal?.throwIfAborted();
    if (this.#closed !== undefined) throw this.#closed;
    this.#options.budget?.require();
    const { address, peer } = routeTo(target.host, this.#options.engine, this.#options.silence);
    return this.#connect({ address, port: target.port }, peer, signal);
  }

  #connect(
    remote: { address: IpAddress; port: number },
    peer: Peer,
    signal: AbortSignal | undefined,
  ): Promise<DialledConnection> {
    const { engine, driver, silence, budget } = this.#options;
    return new Promise((resolve, reject) => {
      const timers: Timer[] = [];
      const settle = (outcome: () => void) => {
        for (const timer of timers) timer.cancel();
        this.#endings.delete(fail);
        signal?.removeEventListener('abort', onAbort);
        outcome();
      };
      const fail = (error: Error) =>
        settle(() => {
          reject(error);
          // abort() calls the observer, which keeps only the first reason.
          dialled.connection?.abort(driver.now());
          driver.schedule();
        });
      const onAbort = () => fail(abortReason(signal));
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#endings.add(fail);
      const dialled = new DialledConnection((reason) => {
        if (reason === undefined) settle(() => resolve(dialled));
        else fail(this.#explain(reason, remote));
      });
      dialled.link = {
        isCurrent: () => !peer.isRemoved && budget?.isOpen !== false,
        received: () => peer.rxBytes,
        suspect: () => this.#suspect(remote),
        silenceError: () => this.#explainSilence(),
      };
      const receivedBefore = peer.rxBytes;
      // If another peer has replaced this one, nothing is known about it yet.
      const isSilent = () => !peer.isRemoved && peer.rxBytes === receivedBefore;
      timers.push(
        driver.startTimer(SILENCE_TIMEOUT, () => {
          if (isSilent()) fail(silentPeer(silence.explain()));
        }),
        driver.startTimer(SUSPECT_AFTER[0], () => this.#suspect(remote)),
        driver.startTimer(SUSPECT_AFTER[1], () => {
          if (isSilent()) this.#suspect(remote);
        }),
        driver.startTimer(DIAL_TIMEOUT, () => fail(this.#explain('timeout', remote))),
      );
      const options = { connectTimeout: DIAL_TIMEOUT };
      try {
        const now = driver.now();
        dialled.connection = engine.stack.connectTcp(remote, dialled.observer, now, options);
      } catch (error) {
        fail(notStarted(error as Error));
      }
      driver.schedule();
    });
  }

  #suspect({ address }: { address: IpAddress }): void {
    const { engine, driver } = this.#options;
    const peer = engine.device.peerFor(address);
    if (peer !== undefined) engine.device.initiateHandshake(peer, driver.now());
    driver.schedule();
  }

  #explain(reason: string, remote: { address: IpAddress; port: number }): DialError {
    const failure = FAILURE_OF[reason] ?? 'unreachable';
    if (failure === 'closed') return closingTunnel();
    if (failure === 'timeout') return this.#explainTimeout(remote.address);
    if (reason === 'address-gone') return new DialError(failure, ADDRESS_GONE);
    return new DialError(failure, TEXT_OF[failure] ?? `port ${remote.port}: ${reason}`);
  }

  /**
   * Explains a timeout for a peer that sent something within SILENCE_TIMEOUT, but no response to
   * the SYN.
   */
  #explainTimeout(address: IpAddress): DialError {
    const { engine, driver, silence } = this.#options;
    const now = driver.now();
    const peer = engine.device.peerFor(address);
    if (peer?.hasSession(now) !== true) return silentPeer(silence.explain());
    if (engine.device.silenceOf(peer, now) === undefined) {
      return new DialError('timeout', 'the tunnel is up, but the target is not answering');
    }
    return this.#explainSilence();
  }

  #explainSilence(): DialError {
    const error = this.#options.silence.explain();
    const options = { cause: error, silence: error.reason };
    return new DialError('timeout', `the target is not answering: ${error.why}`, options);
  }
}

const FAILURE_OF: Partial<Record<string, DialFailure>> = {
  refused: 'refused',
  reset: 'refused',
  timeout: 'timeout',
  unreachable: 'unreachable',
  'address-gone': 'unreachable',
  aborted: 'closed',
};

const TEXT_OF: Partial<Record<DialFailure, string>> = {
  refused: 'the target refused the connection',
  unreachable: 'the target is unreachable',
};

function notStarted(cause: Error): Error {
  if (cause instanceof StackExhaustedError) {
    return new DialError('exhausted', 'too many connections are open', { cause });
  }
  // A RangeError means that the stack has no address of the target's family.
  if (!(cause instanceof RangeError)) return cause;
  return new DialError('no-route', 'the tunnel does not have an address of this family', { cause });
}
