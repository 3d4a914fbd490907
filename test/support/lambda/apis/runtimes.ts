/** The functions in functions/, each with the runtime that runs it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { SandboxOptions } from '../sandbox-plan.js';

type FunctionOptions = Pick<SandboxOptions, 'runtime' | 'taskRoot' | 'handler'>;

/** The functions are not compiled, so code in build/harness uses those in the source folder. */
const SOURCE = fileURLToPath(new URL('../', import.meta.url)).replace('/build/harness/', '/');
export const FUNCTIONS = join(SOURCE, 'functions');

const RUNTIME_CLIENT = join(SOURCE, '../../../build/lambda-runtime-client');
const RUNTIME_CLIENT_MAIN = join(RUNTIME_CLIENT, 'node_modules/aws-lambda-ric/index.mjs');

/**
 * A function on a small runtime for Node.js.
 *
 * @param name `message` posts each event, `module-scope` also posts while loading, `echo` follows
 * its event
 */
export function nodeFunction(name: 'message' | 'module-scope' | 'echo'): FunctionOptions {
  const runtime = { command: 'node', args: [join(FUNCTIONS, 'runtime.mjs')] };
  return { runtime, taskRoot: FUNCTIONS, handler: `${name}.handler` };
}

/** The function `message` in Python. */
export function pythonFunction(): FunctionOptions {
  const runtime = { command: 'python3', args: [join(FUNCTIONS, 'bootstrap.py')] };
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
