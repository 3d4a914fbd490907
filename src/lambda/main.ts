/**
 * The extension's composition root. Opens the port and registers first, because Lambda waits for
 * both. Other modules are loaded after the registration request is sent.
 */
import '../system/process/refuse-inspector.js';
import { basename, dirname } from 'node:path';

import { messageOf } from '../lib/errors/error-message.js';
import { UserError } from '../lib/errors/user-error.js';
import { systemClock, systemWallClock } from '../system/clock.js';
import { Extension } from './extension.js';
import { ExtensionsApi } from './extensions-api.js';
import { LaterLog } from './later-log.js';
import { openListeners } from './listeners.js';
import type { SandboxTunnel } from './sandbox-tunnel.js';
import { type Environment, type LambdaSettings, readSettings } from './settings.js';

/**
 * The exit code that all commands use for usage errors. Lambda treats all codes except 0 the same.
 */
const WRONG_USAGE = 2;

/** Runs until Lambda ends the environment or a fatal error occurs, then exits the process. */
export async function main(env: Environment = process.env): Promise<void> {
  const log = new LaterLog();
  try {
    await run(env, log);
    process.exit(0);
  } catch (error) {
    const { what, why, next } = error instanceof UserError ? error : unforeseen(error);
    await openLog(log, 'error');
    log.error({ what, why, next }, `the extension is exiting: ${what}: ${why}`);
    process.exit(error instanceof UserError && error.kind === 'usage' ? WRONG_USAGE : 1);
  }
}

async function run(env: Environment, log: LaterLog): Promise<void> {
  const address = env.AWS_LAMBDA_RUNTIME_API;
  if (!address) throw notInLambda();
  const { settings, fault } = readSettings(env);
  const api = new ExtensionsApi(address, extensionName());
  const stop = stopSignal();
  let warming: Promise<void> | undefined;
  const warmUp = () => (warming ??= openLog(log, settings.logLevel));
  process.once('uncaughtException', (error) => {
    void api
      .exitError({ type: 'Extension.Crash', message: messageOf(error) })
      .catch(() => undefined)
      .then(warmUp)
      .then(() => openLog(log, 'error'))
      .finally(() => {
        log.error({ error: error.stack }, 'the extension has crashed');
        process.exit(1);
      });
  });
  const { port, target, browsers } = settings;
  const extension = new Extension(settings, {
    api,
    listen: (dialer, kept) =>
      openListeners({ port, target, browsers, dialer, kept, log, clock: systemClock }),
    openTunnel: () =>
      fault === undefined ? openTunnel(settings, env, log) : Promise.reject(fault),
    warmUp: () => void warmUp(),
    log,
    clock: systemClock,
    // performance.now() is 0 at the start of the process.
    began: 0,
    wallClock: systemWallClock,
    stop,
  });
  try {
    await extension.run();
  } finally {
    // The extension may end before its log was loaded.
    await warmUp();
  }
}

async function openTunnel(
  settings: LambdaSettings,
  env: Environment,
  log: LaterLog,
): Promise<SandboxTunnel> {
  const [source, { openSandboxTunnel }, files, secret] = await Promise.all([
    import('./config-source.js'),
    import('./open-sandbox-tunnel.js'),
    import('../system/files/files.js'),
    import('./parameters-and-secrets.js'),
  ]);
  const secrets = {
    port: Number(env.PARAMETERS_SECRETS_EXTENSION_HTTP_PORT || 2773),
    token: env.AWS_SESSION_TOKEN ?? '',
  };
  const { configs, faults } = await source.findConfigs(settings.place, {
    files: files.regularFiles,
    readSecret: (place) => secret.readSecret(place, secrets),
    taskRoot: settings.taskRoot,
  });
  for (const { message } of faults)
    log.warn({ why: message }, 'cannot use one of the arc.json files in the pool');
  const ports = await tunnelPorts(settings, log);
  return openSandboxTunnel(configs, settings, files.systemFiles, ports);
}

async function tunnelPorts({ initializationType }: LambdaSettings, log: LaterLog) {
  // A snapshot is started many times, and all copies would repeat the same counters and keys.
  const isCopied = initializationType === 'snap-start';
  const [{ createNodeCrypto }, entropies, { udpSockets }, { systemResolver }] = await Promise.all([
    import('../crypto/node.js'),
    import('../system/entropy.js'),
    import('../system/network/udp-socket.js'),
    import('../system/network/resolver.js'),
  ]);
  return {
    // Other implementations have a higher throughput but take longer to load.
    crypto: createNodeCrypto(),
    entropy: isCopied ? entropies.openKernelEntropy() : entropies.systemEntropy,
    wallClock: systemWallClock,
    clock: systemClock,
    sockets: udpSockets,
    resolver: systemResolver,
    log,
    sessionsOutliveSleep: !isCopied,
  };
}

async function openLog(log: LaterLog, level: LambdaSettings['logLevel']): Promise<void> {
  const { createLog } = await import('../system/log.js');
  log.open(createLog(level, 'json'));
}

/** Returns the file name that identifies the extension to Lambda; argv[1] names a script. */
function extensionName(): string {
  const paths = [process.argv0, process.argv[1] ?? ''];
  const path = paths.find((each) => basename(dirname(each)) === 'extensions');
  return path === undefined ? 'arctun' : basename(path);
}

function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => controller.abort(new Error(name)));
  }
  return controller.signal;
}

/** The error for a start outside Lambda. */
export function notInLambda(): UserError {
  return new UserError('usage', {
    what: 'cannot run as a Lambda extension',
    why: 'AWS_LAMBDA_RUNTIME_API is not set, so this is not an AWS Lambda execution environment',
    next: ['Build a layer with "arctun lambda layer", and add the layer to the function.'],
  });
}

function unforeseen(error: unknown): { what: string; why: string; next: readonly string[] } {
  const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { what: 'unforeseen', why, next: [] };
}
