/** Renews the session of a library's tunnel. */
import { formatArcConfig } from '../arc-config/format-arc-config.js';
import { isZeroKey, SKELETON_SIM_ID, type ArcConfig } from '../arc-config/arc-config.js';
import { readArcConfig } from '../arc-config/arc-config-file.js';
import { requireFile } from '../arc-config/config-source.js';
import { loadTunnelConfig, type LoadedArcConfig } from '../app/config/load-arc-config.js';
import { proveTargetWritable } from '../app/bootstrap/bootstrap-target.js';
import { type ConfigUpdates, startConfigUpdates } from '../app/session/config-updates.js';
import { withSession } from '../app/session/arc-session.js';
import { keepSession } from '../app/session/refresh-session.js';
import type { RunningConfigOptions } from '../app/session/running-config.js';
import type { Renewal, RenewalEnvironment } from '../app/session/session-renewal.js';
import type { StateHome } from '../app/session/session-state.js';
import { messageOf } from '../lib/errors/error-message.js';
import { sameBytes } from '../lib/same-bytes.js';
import { UserError } from '../lib/errors/user-error.js';
import { FileError } from '../ports/files.js';
import type { UserspaceTunnel } from '../tunnel/userspace-tunnel.js';
import type { ArcJson } from './arc-json.js';
import { bootstrap } from './bootstrap.js';
import { checkOptions } from './check-options.js';
import { namingOptions } from './option-names.js';
import type { CellularRenewal, RenewalOptions, SimRenewal } from './renewal-options.js';
import { soracomPorts } from './soracom-ports.js';

/**
 * The timeout of an API call, in milliseconds. A failed call is not retried, because renewal is
 * attempted again a minute later.
 */
const TIMEOUT = 10_000;

export type RunningTunnelConfig = Pick<RunningConfigOptions, 'arcConfig' | 'tunnelConfig' | 'plan'>;

export interface PreparedRenewal {
  /** Starts to watch a tunnel, whose first handshake may still be pending. */
  start(
    tunnel: UserspaceTunnel,
    running: RunningTunnelConfig,
    ports: RenewalEnvironment,
  ): ConfigUpdates;
}

/**
 * Checks everything that can be checked before the tunnel opens.
 *
 * @throws UserError of kind `usage` for invalid options, of kind `configuration` or `permission` if
 * the file of `save` cannot be used
 */
export function prepareRenewal(
  options: RenewalOptions,
  arcConfig: LoadedArcConfig,
  home: StateHome,
): Promise<PreparedRenewal> {
  return namingOptions(async () => {
    const again = bootstrapping(options, arcConfig);
    if (again === undefined) {
      checkOptions('renewal', 'renewal', options);
      requireSim(arcConfig.original);
    }
    const { save } = options;
    if (typeof save === 'string') await requireSaveTarget(save, arcConfig, home);
    const asked = options.method === undefined || options.method === 'api' ? options : {};
    const signIn = soracomPorts(asked, { timeoutMs: TIMEOUT, mostRepeats: 0 });
    const reread = rereading(save, arcConfig, home);
    return {
      start: (tunnel, running, ports) => {
        const renewal = {
          ...signIn,
          ...home,
          ...again,
          ...keeping(save),
          ...events(tunnel, ports),
        };
        return startConfigUpdates({ tunnel, ...running, reread, renewal }, ports);
      },
    };
  });
}

/** Returns how to bootstrap again; undefined if the SORACOM API is asked instead. */
function bootstrapping(
  options: RenewalOptions,
  { path }: LoadedArcConfig,
): { bootstrapAgain: () => Promise<void> } | undefined {
  const { method } = (options as RenewalOptions | undefined) ?? {};
  if (method !== 'cellular' && method !== 'sim') return undefined;
  checkOptions('renewal', `${method} renewal`, options);
  const { save, ...rest } = options as CellularRenewal | SimRenewal;
  const target = save ?? path;
  if (target === undefined) throw needsFile();
  const bootstrapAgain = async () => {
    await bootstrap({ ...rest, path: target });
  };
  return { bootstrapAgain };
}

function needsFile(): UserError {
  return new UserError('usage', {
    what: 'cannot use the options of renewal',
    why: 'Krypton replaces the key, which must be saved in a file',
    next: ['Pass the path of arc.json as config, or as renewal.save.'],
  });
}

function requireSim({ simId }: ArcConfig): void {
  if (simId !== '' && simId !== SKELETON_SIM_ID) return;
  throw new UserError('configuration', {
    what: 'cannot renew the session',
    why: 'the configuration does not contain a simId',
    next: ['Add the simId of the virtual SIM, or remove the option renewal.'],
  });
}

/** Refuses a file that belongs to another SIM, because saving a session would overwrite its key. */
async function requireSaveTarget(
  path: string,
  { path: source, original }: LoadedArcConfig,
  { files }: StateHome,
): Promise<void> {
  requireFile(path, 'cannot use renewal.save');
  if (source === undefined || files.absolute(path) !== files.absolute(source)) {
    const existing = await readArcConfig(files, path).catch((error: unknown) => {
      const isAbsent = error instanceof UserError && error.cause instanceof FileError;
      if (isAbsent && (error.cause as FileError).failure === 'absent') return undefined;
      throw error;
    });
    if (existing !== undefined && !isSameSim(existing, original)) throw otherSim(path);
  }
  await proveTargetWritable(files, path);
}

function isSameSim(one: ArcConfig, other: ArcConfig): boolean {
  const [key, otherKey] = [one.privateKey.expose(), other.privateKey.expose()];
  return one.simId === other.simId && (isZeroKey(key) || sameBytes(key, otherKey));
}

function otherSim(path: string): UserError {
  return new UserError('configuration', {
    what: `cannot use renewal.save: ${path}`,
    why: 'the file belongs to another SIM or has another private key',
    next: ['Choose another file, or pass the same file as config.'],
  });
}

/**
 * Returns how to read the configuration again. Only the place where sessions are saved is read,
 * because another place would still contain the old session.
 */
export function rereading(
  save: RenewalOptions['save'],
  { path }: LoadedArcConfig,
  home: StateHome,
): (() => Promise<LoadedArcConfig>) | undefined {
  const place = save ?? path;
  return typeof place === 'string' ? () => loadTunnelConfig(place, home) : undefined;
}

/** Returns where sessions are saved, if it is not the file of the configuration. */
export function keeping(save: RenewalOptions['save']): { keep?: typeof keepSession } {
  if (save === undefined) return {};
  if (typeof save === 'string') {
    return {
      keep: ({ original }, session, home) => keepSession({ original, path: save }, session, home),
    };
  }
  return {
    keep: async ({ original }, session) => {
      const config = withSession(original, session);
      try {
        await save(JSON.parse(formatArcConfig(config)) as ArcJson);
        return { config, keptIn: 'renewal.save', notice: undefined };
      } catch (error) {
        const notice = `The new session could not be saved, because renewal.save failed: ${messageOf(error)}.`;
        return { config, keptIn: undefined, notice };
      }
    },
  };
}

/** Emits the events later, because a listener may throw or call the tunnel. */
function events(tunnel: UserspaceTunnel, { clock }: RenewalEnvironment) {
  return {
    onRenewed: ({ why, changed, keptIn }: Renewal) => {
      const savedIn = keptIn === 'renewal.save' ? undefined : keptIn;
      clock.defer(() => tunnel.emit('renewed', { why, changed, savedIn }));
    },
    onProblem: (why: string) => {
      clock.defer(() => tunnel.emit('renewalFailed', { why }));
    },
  };
}
