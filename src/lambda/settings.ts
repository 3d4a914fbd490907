/** Reads the extension's settings from the environment variables of the Lambda function. */
import { hasSecretShape } from '../lib/secrets/secret-shapes.js';
import { UserError } from '../lib/errors/user-error.js';
import type { DialTarget } from '../proxy/dialer.js';
import type { BrowserPolicy } from '../proxy/http/browser-check.js';
import { parseAllowedHosts, parseAllowedOrigins } from '../proxy/http/parse-browser-policy.js';
import { parseTarget, UNIFIED_ENDPOINT } from '../proxy/forward/target.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The location of the configuration. */
export type ConfigPlace =
  /** A path, JSON text or base64-encoded JSON. */
  | { readonly kind: 'value'; readonly value: string }
  /** Paths where arc.json may be: first in the function's folder, then in a layer. */
  | { readonly kind: 'files'; readonly paths: readonly string[] }
  /** A name to look up through the AWS Parameters and Secrets Lambda Extension. */
  | { readonly kind: 'secret' | 'parameter'; readonly name: string };

/** What the extension does if the tunnel is not open in time. */
export type FailurePolicy =
  /** The function runs, and its requests get a 503 response that contains the reason. */
  | 'degrade'
  /** The environment does not start. */
  | 'fail';

/** How Lambda initialized the execution environment (AWS_LAMBDA_INITIALIZATION_TYPE). */
export type InitializationType = (typeof INITIALIZATION_TYPES)[number];

const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug', 'trace'] as const;
const POLICIES = ['degrade', 'fail'] as const;
const CONGESTION = ['bbr', 'cubic', 'reno'] as const;

export interface LambdaSettings {
  /** The listening port on 127.0.0.1 and ::1. */
  readonly port: number;
  /** Maximum milliseconds until the first /next request, and for each request without a tunnel. */
  readonly wait: number;
  readonly onFailure: FailurePolicy;
  readonly target: DialTarget;
  /** Which requests browsers may send. */
  readonly browsers: BrowserPolicy;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly congestion: (typeof CONGESTION)[number];
  readonly place: ConfigPlace;
  /** The base folder for relative paths. */
  readonly taskRoot: string;
  readonly initializationType: InitializationType;
}

/**
 * The function's folder. Lambda does not pass this path to extensions, but has never changed it.
 */
const TASK_ROOT = '/var/task';
const LAYER_CONFIG = '/opt/arctun/arc.json';
/** The port in SORACOM's article, so that functions written for soraproxy work unchanged. */
const DEFAULT_PORT = 8080;
const DEFAULT_WAIT = 3;
/** Seconds. Lambda limits init to 10 s, and the steps after the wait need some of that time. */
const LONGEST_WAIT = 9;

export interface ReadSettings {
  readonly settings: LambdaSettings;
  /** The error for the first invalid variable, which is replaced with its default. */
  readonly fault: UserError | undefined;
}

export function readSettings(env: Environment): ReadSettings {
  const faults: UserError[] = [];
  const read = <Value>(name: string, fallback: Value, parse: (text: string) => Value): Value => {
    const text = env[name];
    if (text === undefined || text === '') return fallback;
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      faults.push(isShown(text) ? error : withheld(name, text, error.why));
      return fallback;
    }
  };
  const taskRoot = env.LAMBDA_TASK_ROOT || TASK_ROOT;
  const settings: LambdaSettings = {
    port: read('ARCTUN_LAMBDA_PORT', DEFAULT_PORT, (text) =>
      parseNumber('ARCTUN_LAMBDA_PORT', text, { min: 1, max: 65_535, isWhole: true }),
    ),
    wait: read('ARCTUN_LAMBDA_WAIT', DEFAULT_WAIT * 1000, (text) => {
      const bounds = { min: 0.1, max: LONGEST_WAIT, isWhole: false };
      return parseNumber('ARCTUN_LAMBDA_WAIT', text, bounds) * 1000;
    }),
    onFailure: read('ARCTUN_LAMBDA_ON_FAILURE', 'degrade' as const, (text) =>
      parseChoice('ARCTUN_LAMBDA_ON_FAILURE', text, POLICIES),
    ),
    target: read('ARCTUN_FORWARD_TO', { host: UNIFIED_ENDPOINT, port: 80 }, (text) =>
      parseTarget(text, 80, 'ARCTUN_FORWARD_TO'),
    ),
    browsers: {
      hosts: read('ARCTUN_ALLOW_HOST', [], (text) =>
        parseAllowedHosts([text], 'ARCTUN_ALLOW_HOST'),
      ),
      origins: read('ARCTUN_ALLOW_ORIGIN', [], (text) =>
        parseAllowedOrigins([text], 'ARCTUN_ALLOW_ORIGIN'),
      ),
    },
    logLevel: read('ARCTUN_LOG_LEVEL', 'info' as const, (text) =>
      parseChoice('ARCTUN_LOG_LEVEL', text, LOG_LEVELS),
    ),
    congestion: read('ARCTUN_CONGESTION', 'bbr' as const, (text) =>
      parseChoice('ARCTUN_CONGESTION', text, CONGESTION),
    ),
    place: placeOf(env, taskRoot),
    taskRoot,
    initializationType: initializationTypeOf(env),
  };
  return { settings, fault: faults[0] };
}

function placeOf(env: Environment, taskRoot: string): ConfigPlace {
  const { ARCTUN_CONFIG: value, ARCTUN_CONFIG_SECRET: secret } = env;
  const parameter = env.ARCTUN_CONFIG_PARAMETER;
  if (value) return { kind: 'value', value };
  if (secret) return { kind: 'secret', name: secret };
  if (parameter) return { kind: 'parameter', name: parameter };
  return { kind: 'files', paths: [`${taskRoot}/arc.json`, LAYER_CONFIG] };
}

const INITIALIZATION_TYPES = [
  'on-demand',
  'provisioned-concurrency',
  'snap-start',
  'lambda-managed-instances',
] as const;

function initializationTypeOf(env: Environment): InitializationType {
  const known = INITIALIZATION_TYPES.find((type) => type === env.AWS_LAMBDA_INITIALIZATION_TYPE);
  return known ?? (env.AWS_LAMBDA_MAX_CONCURRENCY ? 'lambda-managed-instances' : 'on-demand');
}

function parseNumber(
  name: string,
  text: string,
  { min, max, isWhole }: { min: number; max: number; isWhole: boolean },
): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max && (!isWhole || Number.isInteger(value))) return value;
  throw unusable(name, text, `expected a ${isWhole ? 'whole ' : ''}number from ${min} to ${max}`);
}

function parseChoice<Choice extends string>(
  name: string,
  text: string,
  choices: readonly Choice[],
): Choice {
  const choice = choices.find((each) => each === text);
  if (choice !== undefined) return choice;
  throw unusable(name, text, `expected one of ${choices.join(', ')}`);
}

function unusable(name: string, text: string, why: string): UserError {
  return new UserError('usage', {
    what: `cannot use ${name}=${text}`,
    why,
    next: ["Correct the function's environment variable."],
  });
}

/** True if messages may show the value. A configuration in the wrong variable contains a key. */
function isShown(text: string): boolean {
  return /^[^"'{}]{1,40}$/.test(text) && !hasSecretShape(text);
}

function withheld(name: string, text: string, why: string): UserError {
  return new UserError('usage', {
    what: `cannot use ${name} (text of ${text.length} characters)`,
    why,
    next: ["Correct the function's environment variable."],
  });
}
