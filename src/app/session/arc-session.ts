/** Sessions as the SORACOM API tells them, made into those of arc.json. */
import { ArcConfigError } from '../../arc-config/arc-config-error.js';
import type { ArcConfig, ArcSession } from '../../arc-config/arc-config.js';
import { parseArcSession } from '../../arc-config/parse-arc-config.js';
import { completeSession } from '../../arc-config/require-session.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { ArcSessionResponse } from '../../soracom/client/responses.js';

/** A session in the answer to createSim that is of no use is as good as none: one is asked for. */
export function readSessionOrNone(answer: ArcSessionResponse): ArcSession | undefined {
  try {
    return parseSession(answer);
  } catch (error) {
    if (error instanceof ArcConfigError) return undefined;
    throw error;
  }
}

/** @throws UserError of kind `api` when the answer does not make a whole session */
export function readSession(answer: ArcSessionResponse, simId: string): ArcSession {
  try {
    return parseSession(answer);
  } catch (error) {
    if (!(error instanceof ArcConfigError)) throw error;
    const text = {
      what: `cannot use the new Arc session of SIM ${simId}`,
      why: error.why,
      next: ['Check that the endpoint is the SORACOM API; otherwise try again later.'],
    };
    throw new UserError('api', text, { cause: error });
  }
}

/** @throws ArcConfigError when the answer does not make a whole session */
function parseSession(answer: ArcSessionResponse): ArcSession {
  const source = 'the answer of the SORACOM API';
  return completeSession(parseArcSession(JSON.stringify(answer), { path: source }), source);
}

/** The configuration with another session; what somebody added to the old one is kept. */
export function withSession(config: ArcConfig, session: ArcSession): ArcConfig {
  const unknownKeys = config.arcSessionStatus?.unknownKeys ?? [];
  return { ...config, arcSessionStatus: { ...session, unknownKeys } };
}
