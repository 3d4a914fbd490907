/** The Lambda emulator for tests and benchmarks; see README.md in this folder. */
export { memoryLimitObstacle } from './confinement/memory-limit.js';
export {
  awsNodeFunction,
  FUNCTIONS,
  isRuntimeClientBuilt,
  nodeFunction,
  pythonFunction,
} from './apis/runtimes.js';
export type { InvokeResult } from './apis/invoke-result.js';
export { type InitReport, LambdaSandbox } from './sandbox.js';
export type { ExtensionFile, RuntimeCommand, SandboxOptions } from './sandbox-plan.js';
export type { EndedProcess, ShutdownReport } from './shutdown.js';
