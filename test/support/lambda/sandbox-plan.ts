/** The options of a sandbox, and the process settings derived from them. */
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { FakeWallClock } from '../foreign/faketime.js';
import { Confinement } from './confinement/confinement.js';
import {
  extensionEnvironment,
  type InitializationType,
  type PlatformFacts,
  runtimeEnvironment,
} from './environment.js';
import type { Bind } from './confinement/private-root.js';

export interface ExtensionFile {
  /** The file name in /opt/extensions, and so the name that it registers under. */
  readonly name: string;
  readonly file: string;
  /** Lambda passes no arguments. */
  readonly args?: readonly string[];
}

export interface RuntimeCommand {
  readonly command: string;
  readonly args?: readonly string[];
  /** Folders and files that the runtime reads, mounted in a private root at the same path. */
  readonly visible?: readonly string[];
}

export interface SandboxOptions {
  readonly extensions?: readonly ExtensionFile[];
  /** The folder of an unpacked layer: each file in its folder `extensions` is an extension. */
  readonly layer?: string;
  readonly runtime: RuntimeCommand;
  /** The function's folder: LAMBDA_TASK_ROOT, and /var/task in a private root. */
  readonly taskRoot: string;
  /** _HANDLER; default index.handler. */
  readonly handler?: string;
  /** The function's own variables, which extensions see as well. */
  readonly env?: Readonly<Record<string, string>>;
  /** The function's timeout; default 3,000 ms. */
  readonly timeoutMs?: number;
  /** Default 10,000 ms, and 130,000 ms for sandboxes initialized in advance. */
  readonly initLimitMs?: number;
  /** Default 2,000 ms. */
  readonly shutdownLimitMs?: number;
  /** Default `on-demand`. */
  readonly initializationType?: InitializationType;
  /** Whether the processes are stopped as soon as an invocation is over, as on Lambda. */
  readonly freezeBetweenInvokes?: boolean;
  /** Whether `jumpClock` can move the wall clock of the processes, through libfaketime. */
  readonly fakeClock?: boolean;
  /** Whether the sandbox has a private root, read-only except /tmp. Requires root. */
  readonly privateRoot?: boolean;
  /** Further folders and files mounted in the private root, at the same path. */
  readonly visible?: readonly string[];
  /** The user of the processes. Requires root. */
  readonly uid?: number;
  /** A memory limit for all processes together. Requires root; see memoryLimitObstacle. */
  readonly memoryLimitMb?: number;
}

export interface SandboxPlan {
  readonly facts: PlatformFacts;
  readonly isManaged: boolean;
  readonly extensions: readonly { readonly name: string; readonly command: readonly string[] }[];
  readonly runtime: readonly string[];
  readonly extensionEnvironment: Readonly<Record<string, string>>;
  readonly runtimeEnvironment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly initLimitMs: number;
  readonly shutdownLimitMs: number;
  readonly confinement: Confinement;
  /** Returns the sandbox's wall-clock time, in milliseconds. */
  readonly wallClock: () => number;
}

/** The folder of the fake clock's offset file in a private root. */
const CLOCK_FOLDER = '/run/clock';

/** @param folder the sandbox's own folder, empty */
export async function makePlan(
  options: SandboxOptions,
  folder: string,
  runtimeApi: string,
  clock: { readonly offsetMs: number; readonly fake: FakeWallClock | undefined },
): Promise<SandboxPlan> {
  const hasPrivateRoot = options.privateRoot === true;
  const initializationType = options.initializationType ?? 'on-demand';
  const facts: PlatformFacts = {
    runtimeApi,
    initializationType,
    handler: options.handler ?? 'index.handler',
    taskRoot: hasPrivateRoot ? '/var/task' : options.taskRoot,
    hasPrivateRoot,
  };
  const files = extensionFiles(options);
  const runtime = {
    ...runtimeEnvironment(facts, options.env ?? {}),
    ...clockEnvironment(clock.fake, hasPrivateRoot),
  };
  return {
    facts,
    isManaged: initializationType === 'lambda-managed-instances',
    extensions: installExtensions(files, folder, hasPrivateRoot),
    runtime: [options.runtime.command, ...(options.runtime.args ?? [])],
    runtimeEnvironment: runtime,
    extensionEnvironment: extensionEnvironment(runtime),
    timeoutMs: options.timeoutMs ?? 3_000,
    initLimitMs: options.initLimitMs ?? (initializationType === 'on-demand' ? 10_000 : 130_000),
    shutdownLimitMs: options.shutdownLimitMs ?? 2_000,
    confinement: await Confinement.make(folder, {
      binds: hasPrivateRoot ? rootBinds(options, files, clock.fake) : undefined,
      uid: options.uid,
      memoryLimitMb: options.memoryLimitMb,
    }),
    wallClock: () => Date.now() + clock.offsetMs,
  };
}

function extensionFiles({ extensions = [], layer }: SandboxOptions): ExtensionFile[] {
  const folder = layer === undefined ? undefined : join(layer, 'extensions');
  const ofLayer = folder === undefined || !existsSync(folder) ? [] : readdirSync(folder);
  const files = [...ofLayer.map((name) => ({ name, file: join(folder!, name) })), ...extensions];
  for (const { file } of files) accessSync(file, constants.X_OK);
  return files;
}

/** Returns commands that run the extensions by full paths that end in /opt/extensions/NAME. */
function installExtensions(
  files: readonly ExtensionFile[],
  folder: string,
  hasPrivateRoot: boolean,
): { name: string; command: string[] }[] {
  const place = hasPrivateRoot ? '/opt/extensions' : join(folder, 'opt/extensions');
  if (!hasPrivateRoot) {
    mkdirSync(place, { recursive: true });
    for (const { name, file } of files) symlinkSync(file, join(place, name));
  }
  return files.map(({ name, args = [] }) => ({ name, command: [join(place, name), ...args] }));
}

function clockEnvironment(
  clock: FakeWallClock | undefined,
  hasPrivateRoot: boolean,
): Record<string, string> {
  if (clock === undefined) return {};
  const env = clock.env as Record<string, string>;
  if (!hasPrivateRoot) return env;
  const path = env.FAKETIME_TIMESTAMP_FILE!;
  return { ...env, FAKETIME_TIMESTAMP_FILE: join(CLOCK_FOLDER, basename(path)) };
}

function rootBinds(
  options: SandboxOptions,
  files: readonly ExtensionFile[],
  clock: FakeWallClock | undefined,
): Bind[] {
  const { layer, runtime, taskRoot, visible = [] } = options;
  const beside = layer === undefined ? [] : readdirSync(layer);
  const seen = new Set([
    ...(runtime.visible ?? []),
    ...(runtime.args ?? []).filter((path) => path.startsWith('/') && existsSync(path)),
    ...visible,
  ]);
  return [
    { from: process.execPath, to: '/var/lang/bin/node' },
    { from: taskRoot, to: '/var/task' },
    ...beside
      .filter((name) => name !== 'extensions')
      .map((name) => ({ from: join(layer!, name), to: `/opt/${name}` })),
    ...files.map(({ name, file }) => ({ from: file, to: `/opt/extensions/${name}` })),
    // Sorted, so that a folder is mounted before its contents.
    ...[...seen].sort().map((path) => ({ from: path, to: path })),
    ...(clock === undefined
      ? []
      : [{ from: dirname(clock.env.FAKETIME_TIMESTAMP_FILE!), to: CLOCK_FOLDER }]),
  ];
}

/** Creates a folder for the fake clock's file that the sandbox's user can read. */
export function makeFakeClock(folder: string): FakeWallClock {
  const place = join(folder, 'clock');
  mkdirSync(place);
  chmodSync(place, 0o755);
  return new FakeWallClock(place);
}
