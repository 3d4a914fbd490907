/** What the API answers: a status, and a body that is sent as JSON. */
export interface Answer {
  readonly status: number;
  readonly body?: object;
}

/**
 * The refusals. Codes of the platform that are known from outside are its own: AUM0001, AUM0002,
 * COM0008, SEM0095. Where its code is not known, ours begins with EMU.
 */
export const REFUSALS = {
  tokenMissing: refusal(401, 'AUM0001', 'The API key or the token is missing in the header.'),
  wrongCredentials: refusal(401, 'AUM0002', 'Invalid username/password supplied.'),
  tokenInvalid: refusal(401, 'EMU0401', 'The API key or the token is not valid or has expired.'),
  pathMalformed: refusal(400, 'COM0008', 'The path is malformed.'),
  simUnknown: refusal(404, 'SEM0095', 'There is no such SIM.'),
  pathUnknown: refusal(404, 'EMU0404', 'There is no such path.'),
  methodUnknown: refusal(405, 'EMU0405', 'The path does not take this method.'),
  bodyTooLarge: refusal(413, 'EMU0413', 'The body is too large.'),
  tooManySims: refusal(400, 'EMU0400', 'The emulator has no room for another SIM.'),
  internal: refusal(500, 'AGW0005', 'Internal error.'),
} as const satisfies Record<string, Answer>;

export function notPermitted(permission: string): Answer {
  return refusal(403, 'EMU0403', `The permission ${permission} is missing.`);
}

export function malformedBody(reason: string): Answer {
  return refusal(400, 'COM0008', `The body is malformed: ${reason}.`);
}

function refusal(status: number, code: string, message: string): Answer {
  return { status, body: { code, message } };
}
