/** Reads the extension's settings from the environment variables of the Lambda function. */
import { hasSecretShape } from '../lib/secrets/secret-shapes.js';
import { UserError } from '../lib/errors/user-error.js';
import { LOG_LEVELS, type LogLevel } from '../ports/log.js';
import type { DialTarget } from '../proxy/dialer.js';
import type { BrowserPolicy } from '../proxy/http/browser-check.js';
import { parseAllowedHosts, parseAllowedOrigins } from '../proxy/http/parse-browser-policy.js';
import { parseTarget, UNIFIED_ENDPOINT } from '../proxy/forward/target.js';
import type { SecretPlace } from './parameters-and-secrets.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The location of the configuration. */
export type ConfigPlace =
  /** A path, JSON text or base64-encoded JSON. */
  | { readonly kind: 'value'; readonly value: string }
  /** The paths at which to look for arc.json: first in the function's folder, then in a layer. */
  | { readonly kind: 'files'; readonly paths: readonly string[] }
  /** A name to look up through the AWS Parameters and Secrets Lambda Extension. */
  | SecretPlace;

/** What the extension does if the tunnel is not open in time. */
export type FailurePolicy =
  /** The function runs, and its requests get a 503 response that contains the reason. */
  | 'degrade'
  /** The environment does not start. */
  | 'fail';

/** How Lambda initialized the execution environment (AWS_LAMBDA_INITIALIZATION_TYPE). */
export type InitializationType = (typeof INITIALIZATION_TYPES)[number];

const POLICIES = ['degrade', 'fail'] as const;
const CONGESTION = ['bbr', 'cubic', 'reno'] as const;

export interface LambdaSettings {
  /** The listening port on 127.0.0.1 and ::1. */
  readonly port: number;
  /**
   * The maximum delay, in milliseconds, of the first /next request and of each request without a
   * tunnel.
   */
  readonly wait: number;
  readonly onFailure: FailurePolicy;
  readonly target: DialTarget;
  /** Which requests browsers may send. */
  readonly browsers: BrowserPolicy;
  readonly logLevel: LogLevel;
  readonly congestion: (typeof CONGESTION)[number];
  readonly place: ConfigPlace;
  /** The folder to which paths are relative. */
  readonly taskRoot: string;
  readonly initializationType: InitializationType;
}

/**
 * The function's folder. Lambda does not pass this path to extensions, but the path has never
 * changed.
 */
const TASK_ROOT = '/var/task';
const LAYER_CONFIG = '/opt/arctun/arc.json';
/** The port in SORACOM's article, so that functions written for soraproxy work unchanged. */
const DEFAULT_PORT = 8080;
const PORTS = { min: 1, max: 65_535, isWhole: true };
const DEFAULT_WAIT = 3;
/** Seconds. Lambda limits init to 10 s, and the steps after the wait need some of that time. */
const WAITS = { min: 0.1, max: 9, isWhole: false };

export interface ReadSettings {
  readonly settings: LambdaSettings;
  /** The error for the first invalid variable, which is replaced with its default. */
  readonly fault: UserError | undefined;
}

export function readSettings(env: Environment): ReadSettings {
  const faults: UserError[] = [];
  const read = <Value>(name: string, fallback: Value, parse: Parser<Value>): Value => {
    const text = env[name];
    if (text === undefined || text === '') return fallback;
    try {
      return parse(text, name);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      faults.push(
        isShown(text) ? error : unusable(`${name} (text of ${text.length} characters)`, error.why),
      );
      return fallback;
    }
  };
  const taskRoot = env.LAMBDA_TASK_ROOT || TASK_ROOT;
  const settings: LambdaSettings = {
    port: read('ARCTUN_LAMBDA_PORT', DEFAULT_PORT, numberParser(PORTS)),
    wait: 1000 * read('ARCTUN_LAMBDA_WAIT', DEFAULT_WAIT, numberParser(WAITS)),
    onFailure: read('ARCTUN_LAMBDA_ON_FAILURE', 'degrade', choiceParser(POLICIES)),
    target: read('ARCTUN_FORWARD_TO', { host: UNIFIED_ENDPOINT, port: 80 }, (text, name) =>
      parseTarget(text, 80, name),
    ),
    browsers: {
      hosts: read('ARCTUN_ALLOW_HOST', [], (text, name) => parseAllowedHosts([text], name)),
      origins: read('ARCTUN_ALLOW_ORIGIN', [], (text, name) => parseAllowedOrigins([text], name)),
    },
    logLevel: read('ARCTUN_LOG_LEVEL', 'info', choiceParser(LOG_LEVELS)),
    congestion: read('ARCTUN_CONGESTION', 'bbr', choiceParser(CONGESTION)),
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

type Parser<Value> = (text: string, name: string) => Value;

function numberParser({ min, max, isWhole }: typeof PORTS): Parser<number> {
  return (text, name) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max && (!isWhole || Number.isInteger(value))) return value;
    const expected = `expected a ${isWhole ? 'whole ' : ''}number from ${min} to ${max}`;
    throw unusable(`${name}=${text}`, expected);
  };
}

function choiceParser<Choice extends string>(choices: readonly Choice[]): Parser<Choice> {
  return (text, name) => {
    const choice = choices.find((each) => each === text);
    if (choice !== undefined) return choice;
    throw unusable(`${name}=${text}`, `expected one of ${choices.join(', ')}`);
  };
}

function unusable(setting: string, why: string): UserError {
  return new UserError('usage', {
    what: `cannot use ${setting}`,
    why,
    next: ["Correct the function's environment variable."],
  });
}

/**
 * True if messages may show the value. If a configuration was put into the wrong variable, the
 * value contains a key.
 */
function isShown(text: string): boolean {
  return /^[^"'{}]{1,40}$/.test(text) && !hasSecretShape(text);
}
