/** Keeps a new Arc session of a SIM where the next start finds it. */
import { writeArcConfig } from '../../arc-config/arc-config-file.js';
import type { ArcConfig, ArcSession } from '../../arc-config/arc-config.js';
import { FileError } from '../../ports/files.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { SoracomApi } from '../../soracom/soracom-api.js';
import { readSession, withSession } from './arc-session.js';
import { keepSessionState, settleSessionState, type StateHome } from './session-state.js';

export interface RefreshOptions {
  /** What arc.json itself holds. */
  readonly original: ArcConfig;
  /** The file; undefined when the configuration is no file. */
  readonly path: string | undefined;
}

export interface RefreshedSession {
  /** The configuration with all four fields of its session replaced. */
  readonly config: ArcConfig;
  /** Where the session stands now: arc.json, a file in the state folder, or nowhere (undefined). */
  readonly keptIn: string | undefined;
  /** Why it does not stand in arc.json. */
  readonly notice: string | undefined;
}

/**
 * Makes a new session and keeps it.
 *
 * @throws ApiError; UserError of kind `api` when the answer makes no session
 */
export async function refreshSession(
  target: RefreshOptions,
  api: Pick<SoracomApi, 'createArcSession'>,
  home: StateHome,
): Promise<RefreshedSession> {
  const { simId } = target.original;
  const session = readSession(await api.createArcSession(simId), simId);
  return keepSession(target, session, home);
}

/**
 * The session is written into arc.json, or into the state folder where that cannot be. Where
 * neither can, it holds for this process alone.
 */
export async function keepSession(
  { original, path }: RefreshOptions,
  session: ArcSession,
  home: StateHome,
): Promise<RefreshedSession> {
  const config = withSession(original, session);
  let why = 'the configuration is no file';
  if (path !== undefined) {
    try {
      await writeArcConfig(home.files, path, config);
      await settleSessionState(config, home);
      return { config, keptIn: home.files.absolute(path), notice: undefined };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      why = error.message;
    }
  }
  try {
    const keptIn = await keepSessionState(original, session, home);
    return { config, keptIn, notice: `The new session is in ${keptIn}: ${why}.` };
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const notice = `The new session could be kept nowhere: ${why}; ${home.stateFolder}: ${error.message}.`;
    return { config, keptIn: undefined, notice };
  }
}
