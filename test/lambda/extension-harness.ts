/** An extension between a fake Lambda, a fake port and a fake tunnel. */
import type { Duplex } from 'node:stream';

import { type ExtensionPorts, Extension } from '../../src/lambda/extension.js';
import type { EventType, ExtensionEvent, ReportedError } from '../../src/lambda/extensions-api.js';
import { type LambdaSettings, readSettings } from '../../src/lambda/settings.js';
import type { UserError } from '../../src/lib/errors/user-error.js';
import type { Dialer } from '../../src/proxy/dialer.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { RecordingLog } from '../support/fakes/recording-log.js';
import { FakeTunnel, settled } from './fake-tunnel.js';

const UNIX = 1_800_000_000_000;

const TARGET = { host: '100.127.69.42', port: 80 };

/** These tests do not check deferred messages. */
class PromptClock extends FakeClock {
  override defer(handler: () => void): void {
    queueMicrotask(handler);
  }
}

export class ExtensionHarness {
  /** The value was 900 when the process started. */
  readonly clock = new PromptClock();
  readonly log = new RecordingLog();
  readonly tunnel = new FakeTunnel(this.clock);
  readonly stopping = new AbortController();
  /** The external calls of the extension, in order. */
  readonly calls: string[] = [];
  events: readonly EventType[] = [];
  readonly reported: ReportedError[] = [];
  /** The grace period of each close() of the listeners, in ms. */
  readonly closed: number[] = [];
  /** How long each close() of the listeners takes, in ms. */
  closingTime = 0;
  dialer: Dialer | undefined;
  /** How far the wall clock is ahead of the monotonic clock, in ms. */
  slept = 0;
  noPort: Error | undefined;
  registration: () => Promise<void> = () => Promise.resolve();
  openTunnel: () => Promise<FakeTunnel> = () => Promise.resolve(this.tunnel);
  reporting: () => Promise<void> = () => Promise.resolve();
  /** The exit code of run(). */
  outcome: 'ended' | Error | undefined;
  #give: ((event: ExtensionEvent) => void) | undefined;
  #fail: ((error: Error) => void) | undefined;

  get unix(): number {
    return UNIX + this.clock.now() + this.slept;
  }

  /** Whether the extension waits for the next event from Lambda. */
  get isWaiting(): boolean {
    return this.#give !== undefined;
  }

  count(call: string): number {
    return this.calls.filter((each) => each === call).length;
  }

  async start(settings: Partial<LambdaSettings> = {}): Promise<void> {
    const report = (name: string) => (error: ReportedError) => {
      this.calls.push(name);
      this.reported.push(error);
      return this.reporting();
    };
    const ports: ExtensionPorts = {
      api: {
        register: async (events, onSent) => {
          this.calls.push('register');
          this.events = events;
          await this.registration();
          onSent();
        },
        next: () => {
          this.calls.push('next');
          return new Promise((give, fail) => {
            this.#give = give;
            this.#fail = fail;
          });
        },
        initError: report('init/error'),
        exitError: report('exit/error'),
      },
      listen: (dialer) => {
        this.calls.push('listen');
        this.dialer = dialer;
        if (this.noPort !== undefined) return Promise.reject(this.noPort);
        const close = ({ graceMs }: { graceMs: number }) => {
          this.calls.push('close');
          this.closed.push(graceMs);
          this.clock.skip(this.closingTime);
          return Promise.resolve();
        };
        return Promise.resolve({ close });
      },
      openTunnel: () => {
        this.calls.push('open');
        return this.openTunnel();
      },
      warmUp: () => void this.calls.push('warm up'),
      log: this.log,
      clock: this.clock,
      began: 900,
      wallClock: { unixMilliseconds: () => this.unix },
      stop: this.stopping.signal,
    };
    const all = { ...readSettings({}).settings, ...settings };
    new Extension(all, ports).run().then(
      () => (this.outcome = 'ended'),
      (error: unknown) => (this.outcome = error as Error),
    );
    await settled();
  }

  /** Runs up to the first next(), with a session. */
  async startReady(settings: Partial<LambdaSettings> = {}): Promise<void> {
    await this.start(settings);
    this.tunnel.handshake();
    await settled();
  }

  /** Requests the target through the port. Returns an object that receives the result. */
  request(): { outcome: Duplex | Error | undefined } {
    const result: { outcome: Duplex | Error | undefined } = { outcome: undefined };
    const settle = (outcome: Duplex | Error) => void (result.outcome = outcome);
    this.dialer!.dial(TARGET).then(settle, settle);
    return result;
  }

  /** From now on, openTunnel() waits. Returns a function that settles its last call. */
  holdOpening(): (tunnel: FakeTunnel) => void {
    let succeed: (tunnel: FakeTunnel) => void = () => undefined;
    this.openTunnel = () => new Promise((resolve) => void (succeed = resolve));
    return (tunnel) => succeed(tunnel);
  }

  async pass(duration: number): Promise<void> {
    for (let left = duration; left > 0; left -= 50) {
      this.clock.advance(Math.min(50, left));
      await settled();
    }
  }

  /** @param left the time left for the function, in ms */
  invoke(left = 60_000): Promise<void> {
    return this.give({ type: 'INVOKE', deadlineMs: this.unix + left });
  }

  shutDown(reason = 'spindown', left = 2_000): Promise<void> {
    return this.give({ type: 'SHUTDOWN', reason, deadlineMs: this.unix + left });
  }

  async give(event: ExtensionEvent): Promise<void> {
    const give = this.#give;
    if (give === undefined) throw new Error('Lambda has not been asked for an event');
    this.#give = undefined;
    give(event);
    await settled();
  }

  async fail(error: UserError): Promise<void> {
    this.#fail?.(error);
    await settled();
  }
}
