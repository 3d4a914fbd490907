/** The inputs of the action (action.yml). */
import { tmpdir } from 'node:os';

import type { JobFolder } from './job-folder.js';
import type { Environment, Runner } from './runner.js';

export interface Settings {
  /** The arguments of `arctun bootstrap authkey` that describe the SIM. */
  readonly labels: readonly string[];
  /** The arguments of `arctun up`. */
  readonly up: readonly string[];
  /** Whether later steps get proxy variables. */
  readonly setProxy: boolean;
}

/** The inputs that arctun reads from variables; an empty input leaves the job's own variable. */
const VARIABLES: Readonly<Record<string, string>> = {
  'auth-key-id': 'ARCTUN_AUTH_KEY_ID',
  'auth-key': 'ARCTUN_AUTH_KEY',
  'coverage-type': 'ARCTUN_COVERAGE_TYPE',
  endpoint: 'ARCTUN_ENDPOINT',
};

/** The tag by which `arctun sim terminate --tag` finds the SIMs of killed jobs. */
const TAG = 'arctun-ci';

/** @throws Error that names the input */
export function readSettings(runner: Runner): Settings {
  const group = runner.input('group');
  const name = runner.input('name') ?? defaultName(runner.env);
  const wait = runner.input('wait');
  const tags = [repositoryTag(runner.env), ...lines(runner, 'tags')];
  return {
    labels: [
      `--name=${name}`,
      ...tags.map((tag) => `--tag=${tag}`),
      ...(group === undefined ? [] : [`--group=${group}`]),
    ],
    up: [
      ...lines(runner, 'forward-to').map((target) => `--forward-to=${target}`),
      ...(wait === undefined ? [] : [`--wait=${wait}`]),
    ],
    setProxy: readBoolean(runner, 'set-proxy'),
  };
}

/** The proxy variables that the input set-proxy sets for later steps. */
// prettier-ignore
export const PROXY_VARIABLES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY'];

/** The file with the job's own proxy variables. */
const PROXIES = 'proxies.json';

/** Saves the job's own proxy variables, before other values replace them. */
export function saveProxies({ env }: Runner, folder: JobFolder): void {
  const own = Object.fromEntries(PROXY_VARIABLES.map((name) => [name, env[name]]));
  folder.write(PROXIES, JSON.stringify(own));
}

/**
 * Returns the environment of the arctun commands. They call the SORACOM API, which they cannot
 * reach through the proxy of `up`, so they get the job's own proxy variables.
 */
export function commandEnvironment(runner: Runner, folder: JobFolder): Record<string, string> {
  const saved = folder.read(PROXIES);
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(runner.env)) {
    if (value === undefined || (saved !== '' && PROXY_VARIABLES.includes(name))) continue;
    // The inputs include secrets, which other variables already contain.
    if (!/^(INPUT|STATE)_/.test(name)) env[name] = value;
  }
  if (saved !== '') Object.assign(env, JSON.parse(saved));
  for (const [input, variable] of Object.entries(VARIABLES)) {
    const value = runner.input(input);
    if (value !== undefined) env[variable] = value;
  }
  return env;
}

/** Hides the credentials in the log, before anything can print them. */
export function maskCredentials(runner: Runner): void {
  for (const secret of [
    runner.input('auth-key'),
    runner.env.ARCTUN_AUTH_KEY,
    runner.env.SORACOM_AUTH_KEY,
  ]) {
    if (secret !== undefined) runner.mask(secret);
  }
}

/** Returns the folder that the runner empties after each job. */
export function temporaryFolder({ RUNNER_TEMP }: Environment): string {
  return RUNNER_TEMP ?? tmpdir();
}

/** Parameters name the runner's variables, because users do not set them. */
function repositoryTag({ GITHUB_REPOSITORY = 'job' }: Environment): string {
  return `${TAG}=${GITHUB_REPOSITORY}`;
}

function defaultName({ GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT, GITHUB_JOB }: Environment): string {
  const parts = [GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT, GITHUB_JOB];
  return ['ci', ...parts.filter((part) => part !== undefined && part !== '')].join('-');
}

function lines(runner: Runner, input: string): string[] {
  const all = (runner.input(input) ?? '').split('\n');
  return all.map((line) => line.trim()).filter((line) => line !== '');
}

function readBoolean(runner: Runner, input: string): boolean {
  const value = runner.input(input) ?? 'false';
  if (value === 'true' || value === 'false') return value === 'true';
  throw new Error(`the input ${input} must be true or false, not ${JSON.stringify(value)}`);
}
