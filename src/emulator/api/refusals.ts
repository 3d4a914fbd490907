import type { HttpResponse } from '../http-response.js';

/**
 * The emulator's error responses. AUM0001, AUM0002, COM0008, SEM0016 and SEM0095 are SORACOM's own
 * codes. If SORACOM's code is unknown, the emulator uses its own code that begins with EMU.
 */
export const REFUSALS = {
  tokenMissing: refusal(401, 'AUM0001', 'The API key or the token is missing in the header.'),
  wrongCredentials: refusal(401, 'AUM0002', 'Invalid username/password supplied.'),
  tokenInvalid: refusal(401, 'EMU0401', 'The API key or the token is not valid or has expired.'),
  switchRefused: refusal(400, 'EMU0400', 'You may not switch to this user.'),
  pathMalformed: refusal(400, 'COM0008', 'The path is malformed.'),
  simUnknown: refusal(404, 'SEM0095', 'There is no such SIM.'),
  simOffline: refusal(400, 'SEM0016', 'The SIM is offline.'),
  simTerminated: refusal(400, 'EMU0400', 'The SIM is terminated.'),
  simProtected: refusal(
    400,
    'EMU0400',
    'The SIM is protected against termination: call enable_termination first.',
  ),
  noArcCredentials: refusal(400, 'EMU0400', 'The SIM has no Arc credentials.'),
  keyInUse: refusal(400, 'EMU0400', 'The public key is in use already.'),
  addressInUse: refusal(400, 'EMU0400', 'The address is that of a SIM, or kept for one.'),
  tooManySims: refusal(400, 'EMU0400', 'The emulator has no room for another SIM.'),
  tooManyTags: refusal(400, 'EMU0400', 'The SIM has no room for another tag.'),
  tagUnknown: refusal(404, 'EMU0404', 'The SIM has no such tag.'),
  groupUnknown: refusal(404, 'EMU0404', 'There is no such group.'),
  tooManyGroups: refusal(400, 'EMU0400', 'The emulator has no room for another group.'),
  configurationTooLarge: refusal(400, 'EMU0400', "The group's configuration is above 8 KB."),
  pageUnknown: refusal(400, 'COM0008', 'The query is malformed: last_evaluated_key is unknown.'),
  pathUnknown: refusal(404, 'EMU0404', 'There is no such path.'),
  methodUnknown: refusal(405, 'EMU0405', 'The path does not take this method.'),
  bodyUnexpected: refusal(415, 'EMU0415', 'The operation takes no body.'),
  bodyNotJson: refusal(415, 'EMU0415', 'The body must have the Content-Type application/json.'),
  bodyTooLarge: refusal(413, 'EMU0413', 'The body is too large.'),
  notLocal: refusal(403, 'EMU0403', "The emulator's own paths are for this machine alone."),
  tooManyFaults: refusal(400, 'EMU0400', 'The emulator has no room for another fault.'),
  asked: refusal(500, 'EMU0000', 'A fault was asked for.'),
  internal: refusal(500, 'AGW0005', 'Internal error.'),
} as const satisfies Record<string, HttpResponse>;

/** Builds a response with the status and message of the browser check. */
export function pageRefused(status: number, message: string): HttpResponse {
  return refusal(status, `EMU0${status}`, `${message}.`);
}

export function notPermitted(permission: string): HttpResponse {
  return refusal(403, 'EMU0403', `The permission ${permission} is missing.`);
}

export function malformedBody(reason: string): HttpResponse {
  return refusal(400, 'COM0008', `The body is malformed: ${reason}.`);
}

export function malformedQuery(reason: string): HttpResponse {
  return refusal(400, 'COM0008', `The query is malformed: ${reason}.`);
}

export function notAdded(reason: string): HttpResponse {
  return refusal(400, 'EMU0400', `The user is not added: ${reason}.`);
}

export function notSaved(reason: string): HttpResponse {
  return refusal(500, 'EMU0500', `The state is not saved: ${reason}.`);
}

function refusal(status: number, code: string, message: string): HttpResponse {
  return { status, body: { code, message } };
}
