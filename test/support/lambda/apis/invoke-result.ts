/** What became of an invocation, and how long its parts took. */
import type { FunctionError, Invocation } from './runtime-connection.js';
import type { InvocationMoments } from './runtime-domain.js';
import type { ShutdownReport } from '../shutdown.js';

export interface InvokeResult {
  readonly requestId: string;
  /** What the runtime answered; the caller has it even where an extension fails afterwards. */
  readonly response?: string;
  readonly error?: FunctionError;
  /** Of the init that this invocation waited for: the sandbox's at the first, and one after a reset; else 0. */
  readonly initMs: number;
  /** From the event to the answer, to the runtime's next, and from there to that of the last extension. */
  readonly responseMs: number;
  readonly runtimeMs: number;
  readonly postRuntimeMs: number;
  readonly totalMs: number;
  /** Where the invocation ended in a reset: what became of the processes. */
  readonly reset?: ShutdownReport;
}

/** @param startedAt performance.now() of the call of invoke; an init in it comes before the event */
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
    responseMs: invocation.answeredAt! - eventAt,
    runtimeMs: runtimeDoneAt - eventAt,
    postRuntimeMs: doneAt - runtimeDoneAt,
    totalMs: doneAt - startedAt,
  };
}

/** One that ended in a reset of the sandbox, by then. */
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
    responseMs: (invocation.answeredAt ?? performance.now()) - startedAt,
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
