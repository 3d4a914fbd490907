/** Converts sessions from the SORACOM API to the format of arc.json. */
import { ArcConfigError } from '../../arc-config/arc-config-error.js';
import type { ArcConfig, ArcSession } from '../../arc-config/arc-config.js';
import { parseArcSession } from '../../arc-config/parse-arc-config.js';
import { completeSession } from '../../arc-config/require-session.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { ArcSessionResponse } from '../../soracom/client/responses.js';

/** Converts a session. Returns undefined if it is unusable; the caller then requests a new one. */
export function readSessionOrNone(answer: ArcSessionResponse): ArcSession | undefined {
  try {
    return parseSession(answer);
  } catch (error) {
    if (error instanceof ArcConfigError) return undefined;
    throw error;
  }
}

/** @throws UserError of kind `api` if the response has no complete session */
export function readSession(answer: ArcSessionResponse, simId: string): ArcSession {
  try {
    return parseSession(answer);
  } catch (error) {
    if (!(error instanceof ArcConfigError)) throw error;
    throw new UserError('api', {
      what: `cannot use the new Arc session of SIM ${simId}`,
      why: error.why,
      next: ['Check that the endpoint is the SORACOM API, or try again later.'],
      cause: error,
    });
  }
}

/** @throws ArcConfigError if the response has no complete session */
function parseSession(answer: ArcSessionResponse): ArcSession {
  const source = 'the response from the SORACOM API';
  return completeSession(parseArcSession(JSON.stringify(answer), { path: source }), source);
}

/** Returns the configuration with another session, and keeps the old session's unknown keys. */
export function withSession(config: ArcConfig, session: ArcSession): ArcConfig {
  const unknownKeys = config.arcSessionStatus?.unknownKeys ?? [];
  return { ...config, arcSessionStatus: { ...session, unknownKeys } };
}
