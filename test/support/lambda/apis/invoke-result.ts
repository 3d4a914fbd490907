/** The outcome of an invocation and the durations of its phases. */
import type { FunctionError, Invocation } from './runtime-connection.js';
import type { InvocationMoments } from './runtime-domain.js';
import type { ShutdownReport } from '../shutdown.js';

export interface InvokeResult {
  readonly requestId: string;
  /** The runtime's response; the caller gets it even if an extension fails afterwards. */
  readonly response?: string;
  readonly error?: FunctionError;
  /**
   * The init that this invocation waited for: the sandbox's for the first invocation, one after a
   * reset, else 0.
   */
  readonly initMs: number;
  /** From the event to the runtime's next, and from there to the last extension's next. */
  readonly runtimeMs: number;
  readonly postRuntimeMs: number;
  readonly totalMs: number;
  /** The outcome for the processes, if the invocation ended in a reset. */
  readonly reset?: ShutdownReport;
}

/** @param startedAt performance.now() at the call of invoke, before any init and the event */
export function succeeded(
  invocation: Invocation,
  startedAt: number,
  moments: InvocationMoments,
  initMs: number,
): InvokeResult {
  const { startedAt: eventAt, runtimeDoneAt, doneAt } = moments;
  return {
    ...answerOf(invocation),
    initMs,
    runtimeMs: runtimeDoneAt - eventAt,
    postRuntimeMs: doneAt - runtimeDoneAt,
    totalMs: doneAt - startedAt,
  };
}

/** The result of a failed invocation, after the sandbox has been reset. */
export function failed(
  invocation: Invocation,
  startedAt: number,
  outcome: { error: FunctionError; initMs: number; reset: ShutdownReport | undefined },
): InvokeResult {
  const totalMs = performance.now() - startedAt;
  const { error, initMs, reset } = outcome;
  return {
    ...answerOf(invocation),
    error,
    initMs,
    runtimeMs: totalMs,
    postRuntimeMs: 0,
    totalMs,
    ...(reset === undefined ? {} : { reset }),
  };
}

export function timeoutError({ requestId }: Invocation, timeoutMs: number): FunctionError {
  const seconds = (timeoutMs / 1000).toFixed(2);
  const errorMessage = `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`;
  return { errorType: 'Sandbox.Timedout', errorMessage };
}

function answerOf({
  requestId,
  response,
  error,
}: Invocation): Pick<InvokeResult, 'requestId' | 'response' | 'error'> {
  return {
    requestId,
    ...(response === undefined ? {} : { response }),
    ...(error === undefined ? {} : { error }),
  };
}
