/** The runtime as the Runtime API sees it: its pending GET next requests, and its responses. */
import type { ServerResponse } from 'node:http';

import type { SandboxProcess } from '../sandbox-process.js';
import { FUNCTION_ARN } from '../environment.js';
import { sendText } from './replies.js';

export interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
}

export interface Invocation {
  readonly requestId: string;
  readonly payload: string;
  /** Empty if the invocation has none. */
  readonly traceId: string;
  /** The sandbox's wall-clock time, in milliseconds. */
  readonly deadlineMs: number;
  /** The body of the response, once received. */
  response?: string;
  error?: FunctionError;
  /** performance.now() of the response. */
  answeredAt?: number;
}

export class RuntimeConnection {
  process: SandboxProcess | undefined;
  /** Invocations that the runtime has received but not yet responded to. */
  readonly running = new Map<string, Invocation>();
  readonly #waiting: ServerResponse[] = [];
  readonly #pending: Invocation[] = [];

  /** Whether the runtime is idle in GET next. */
  get isReady(): boolean {
    return this.#waiting.length > 0;
  }

  next(response: ServerResponse): void {
    response.on('close', () => {
      const at = this.#waiting.indexOf(response);
      if (at >= 0) this.#waiting.splice(at, 1);
    });
    this.#waiting.push(response);
    this.#deliver();
  }

  dispatch(invocation: Invocation): void {
    this.#pending.push(invocation);
    this.#deliver();
  }

  #deliver(): void {
    if (this.#waiting.length === 0 || this.#pending.length === 0) return;
    const invocation = this.#pending.shift()!;
    this.running.set(invocation.requestId, invocation);
    sendText(this.#waiting.shift()!, 200, invocation.payload, {
      'Content-Type': 'application/json',
      'Lambda-Runtime-Aws-Request-Id': invocation.requestId,
      'Lambda-Runtime-Deadline-Ms': invocation.deadlineMs,
      'Lambda-Runtime-Invoked-Function-Arn': FUNCTION_ARN,
      ...(invocation.traceId === '' ? {} : { 'Lambda-Runtime-Trace-Id': invocation.traceId }),
    });
  }
}
