/**
 * The environment variables of a sandbox: all for the runtime, and those that Lambda exposes for
 * extensions.
 */
import { dirname } from 'node:path';

export const FUNCTION_NAME = 'test_function';
export const FUNCTION_ARN = `arn:aws:lambda:us-east-1:012345678912:function:${FUNCTION_NAME}`;

export type InitializationType =
  'on-demand' | 'provisioned-concurrency' | 'snap-start' | 'lambda-managed-instances';

export interface PlatformFacts {
  /** host:port */
  readonly runtimeApi: string;
  readonly initializationType: InitializationType;
  readonly handler: string;
  readonly taskRoot: string;
  /** Whether the runtime's node is /var/lang/bin/node, as in a private root. */
  readonly hasPrivateRoot: boolean;
}

/**
 * Variables that Lambda hides from extensions, in addition to those that start with an underscore.
 */
const HIDDEN_FROM_EXTENSIONS = new Set([
  'AWS_EXECUTION_ENV',
  'AWS_LAMBDA_LOG_GROUP_NAME',
  'AWS_LAMBDA_LOG_STREAM_NAME',
  'AWS_XRAY_CONTEXT_MISSING',
  'AWS_XRAY_DAEMON_ADDRESS',
  'LAMBDA_RUNTIME_DIR',
  'LAMBDA_TASK_ROOT',
]);

/** @param customer the function's own variables; they do not override Lambda's */
export function runtimeEnvironment(
  facts: PlatformFacts,
  customer: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    PATH: searchPath(facts.hasPrivateRoot),
    LD_LIBRARY_PATH: '/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/task/lib:/opt/lib',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    ...customer,
    AWS_LAMBDA_RUNTIME_API: facts.runtimeApi,
    AWS_LAMBDA_INITIALIZATION_TYPE: facts.initializationType,
    AWS_LAMBDA_FUNCTION_NAME: FUNCTION_NAME,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${FUNCTION_NAME}`,
    AWS_LAMBDA_LOG_STREAM_NAME: '2021/12/16/[$LATEST]0123456789abcdef0123456789abcdef',
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR',
    AWS_XRAY_DAEMON_ADDRESS: '169.254.79.129:2000',
    _AWS_XRAY_DAEMON_ADDRESS: '169.254.79.129',
    _AWS_XRAY_DAEMON_PORT: '2000',
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    // Fake credentials, because an extension signs with them or passes them on.
    AWS_ACCESS_KEY_ID: 'AKIDEMULATED',
    AWS_SECRET_ACCESS_KEY: 'emulated-secret',
    AWS_SESSION_TOKEN: 'emulated-session-token',
    LAMBDA_TASK_ROOT: facts.taskRoot,
    LAMBDA_RUNTIME_DIR: '/var/runtime',
    _HANDLER: facts.handler,
    ...(facts.initializationType === 'lambda-managed-instances'
      ? { AWS_LAMBDA_MAX_CONCURRENCY: '16' }
      : {}),
  };
}

/** The customer's variables remain, including NODE_OPTIONS and LD_PRELOAD. */
export function extensionEnvironment(
  runtime: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(runtime).filter(
      ([name]) => !HIDDEN_FROM_EXTENSIONS.has(name) && !name.startsWith('_'),
    ),
  );
}

function searchPath(hasPrivateRoot: boolean): string {
  const lambda = '/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin';
  return hasPrivateRoot ? lambda : `${dirname(process.execPath)}:${lambda}`;
}
