/** One extension as the Extensions API sees it: its state, and its queued events. */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';

import type { SandboxProcess } from './sandbox-process.js';

export type ExtensionState =
  | 'Started'
  | 'Registered'
  | 'Ready'
  | 'Running'
  | 'InitError'
  | 'ExitError'
  | 'Exited'
  | 'ShutdownFailed';

export type ExtensionEvent = 'INVOKE' | 'SHUTDOWN';

const TRANSITIONS: Record<ExtensionState, readonly ExtensionState[]> = {
  Started: ['Registered', 'Exited', 'ShutdownFailed'],
  Registered: ['Ready', 'InitError', 'ExitError', 'Exited', 'ShutdownFailed'],
  Ready: ['Ready', 'Running', 'ExitError', 'Exited', 'ShutdownFailed'],
  Running: ['Ready', 'ExitError', 'Exited', 'ShutdownFailed'],
  InitError: ['Exited', 'ShutdownFailed'],
  ExitError: ['Exited', 'ShutdownFailed'],
  Exited: [],
  ShutdownFailed: [],
};

export interface DeliveredEvent {
  readonly kind: ExtensionEvent;
  readonly send: (response: ServerResponse) => void;
}

export class Extension {
  readonly id = randomUUID();
  readonly name: string;
  readonly process: SandboxProcess;
  readonly events = new Set<ExtensionEvent>();
  state: ExtensionState = 'Started';
  readonly #waiting: ServerResponse[] = [];
  readonly #pending: DeliveredEvent[] = [];

  constructor(name: string, process: SandboxProcess) {
    this.name = name;
    this.process = process;
  }

  /** Whether the extension waits in GET next, so that the sandbox may be frozen. */
  get isReady(): boolean {
    return this.state === 'Ready' && this.#waiting.length > 0;
  }

  canBecome(state: ExtensionState): boolean {
    return TRANSITIONS[this.state].includes(state);
  }

  /** @returns whether the current state allows the transition */
  become(state: ExtensionState): boolean {
    if (!this.canBecome(state)) return false;
    this.state = state;
    return true;
  }

  /** Handles GET next and responds once an event exists. The caller has checked the state. */
  next(response: ServerResponse): void {
    this.become('Ready');
    response.on('close', () => {
      const at = this.#waiting.indexOf(response);
      if (at >= 0) this.#waiting.splice(at, 1);
    });
    this.#waiting.push(response);
    this.#deliver();
  }

  /** Delivers an event now, or at the next GET next. */
  push(event: DeliveredEvent): void {
    this.#pending.push(event);
    this.#deliver();
  }

  #deliver(): void {
    if (this.#waiting.length === 0 || this.#pending.length === 0) return;
    this.become('Running');
    this.#pending.shift()!.send(this.#waiting.shift()!);
  }
}
