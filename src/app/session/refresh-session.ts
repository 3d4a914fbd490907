/** Saves a SIM's new Arc session so that the next start uses it. */
import { writeArcConfig } from '../../arc-config/arc-config-file.js';
import type { ArcConfig, ArcSession } from '../../arc-config/arc-config.js';
import { FileError } from '../../ports/files.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { SoracomApi } from '../../soracom/soracom-api.js';
import { readSession, withSession } from './arc-session.js';
import { keepSessionState, settleSessionState, type StateHome } from './session-state.js';

export interface RefreshOptions {
  /** The content of arc.json, without any newer session from the state folder. */
  readonly original: ArcConfig;
  /** The path of arc.json; undefined if the configuration was not read from a file. */
  readonly path: string | undefined;
}

export interface RefreshedSession {
  /** The configuration with all four session fields replaced. */
  readonly config: ArcConfig;
  /** The path of the arc.json or state file that holds the session; undefined if writing failed. */
  readonly keptIn: string | undefined;
  /** Why the session is not in arc.json. */
  readonly notice: string | undefined;
}

/**
 * Creates a new session and saves it. Also returns the SIM's public key, if SORACOM reports it.
 *
 * @throws ApiError; UserError of kind `api` if the response has no usable session
 */
export async function refreshSession(
  target: RefreshOptions,
  api: Pick<SoracomApi, 'createArcSession'>,
  home: StateHome,
): Promise<RefreshedSession & { readonly simPublicKey: string | undefined }> {
  const { simId } = target.original;
  const answer = await api.createArcSession(simId);
  const kept = await keepSession(target, readSession(answer, simId), home);
  return { ...kept, simPublicKey: answer.arcClientPeerPublicKey };
}

/**
 * Writes the session to arc.json or, if that fails, to the state folder. If both writes fail, only
 * this process has the session.
 */
export async function keepSession(
  { original, path }: RefreshOptions,
  session: ArcSession,
  home: StateHome,
): Promise<RefreshedSession> {
  const config = withSession(original, session);
  let why = 'the configuration was not read from a file';
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
    return {
      config,
      keptIn,
      notice: `The new session was saved in ${keptIn} instead: ${why}.`,
    };
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const notice = `The new session could not be saved: ${why}; ${home.stateFolder}: ${error.message}.`;
    return { config, keptIn: undefined, notice };
  }
}
