/** The functions beside this file, each with the runtime that executes it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { SandboxOptions } from '../sandbox-plan.js';

type FunctionOptions = Pick<SandboxOptions, 'runtime' | 'taskRoot' | 'handler'>;

/** They are not compiled: compiled code in build/harness takes those of the source. */
const SOURCE = fileURLToPath(new URL('../', import.meta.url)).replace('/build/harness/', '/');
export const FUNCTIONS = join(SOURCE, 'functions');

const RUNTIME_CLIENT = join(SOURCE, '../../../build/lambda-runtime-client');
const RUNTIME_CLIENT_MAIN = join(RUNTIME_CLIENT, 'node_modules/aws-lambda-ric/index.mjs');

/**
 * A function on a small runtime for Node.js.
 *
 * @param name `message` posts each event, `module-scope` posts while it loads too, `echo` does what its event says
 */
export function nodeFunction(name: 'message' | 'module-scope' | 'echo'): FunctionOptions {
  const runtime = { command: 'node', args: [join(FUNCTIONS, 'runtime.mjs')] };
  return { runtime, taskRoot: FUNCTIONS, handler: `${name}.handler` };
}

/** The same function as `message`, in Python. */
export function pythonFunction(): FunctionOptions {
  const runtime = { command: 'python3', args: [join(FUNCTIONS, 'bootstrap.py')] };
  return { runtime, taskRoot: FUNCTIONS };
}

/** The same by bash and curl: what it returns is the body alone. */
export function shellFunction(): FunctionOptions {
  const runtime = { command: 'bash', args: [join(FUNCTIONS, 'bootstrap.sh')] };
  return { runtime, taskRoot: FUNCTIONS };
}

/** Whether build-runtime-client.sh has run. */
export function isRuntimeClientBuilt(): boolean {
  return existsSync(join(RUNTIME_CLIENT, 'recipe'));
}

/** A function on AWS's own runtime client for Node.js. */
export function awsNodeFunction(name: 'message' | 'module-scope' | 'echo'): FunctionOptions {
  const runtime = { command: 'node', args: [RUNTIME_CLIENT_MAIN], visible: [RUNTIME_CLIENT] };
  return { runtime, taskRoot: FUNCTIONS, handler: `${name}.handler` };
}
