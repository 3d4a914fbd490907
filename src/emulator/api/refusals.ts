import type { HttpResponse } from '../http-response.js';

/**
 * The emulator's error responses. AUM0001, AUM0002, COM0008, SEM0016 and SEM0095 are SORACOM's
 * codes. If SORACOM's code is unknown, the emulator uses a code that begins with EMU.
 */
export const REFUSALS = {
  tokenMissing: refusal(
    401,
    'AUM0001',
    'The request must have an API key and a token in its headers.',
  ),
  wrongCredentials: refusal(401, 'AUM0002', 'Invalid username/password supplied.'),
  tokenInvalid: refusal(401, 'EMU0401', 'The API key or the token is invalid or has expired.'),
  switchRefused: refusal(400, 'EMU0400', 'You are not permitted to switch to this user.'),
  pathMalformed: refusal(400, 'COM0008', 'The path is malformed.'),
  simUnknown: refusal(404, 'SEM0095', 'The SIM was not found.'),
  simOffline: refusal(400, 'SEM0016', 'The SIM is offline.'),
  simSilent: refusal(400, 'EMU0400', 'The SIM has not connected to the Arc server yet.'),
  simTerminated: refusal(400, 'EMU0400', 'The SIM is terminated.'),
  simProtected: refusal(
    400,
    'EMU0400',
    'The SIM is protected against termination: call enable_termination first.',
  ),
  noArcCredentials: refusal(400, 'EMU0400', 'The SIM does not have Arc credentials.'),
  keyInUse: refusal(400, 'EMU0400', 'The public key is already in use.'),
  addressInUse: refusal(400, 'EMU0400', 'The address is in use or reserved for a SIM.'),
  tooManySims: refusal(400, 'EMU0400', 'The emulator cannot store any more SIMs.'),
  tooManyTags: refusal(400, 'EMU0400', 'The SIM cannot have any more tags.'),
  tagUnknown: refusal(404, 'EMU0404', 'The SIM does not have this tag.'),
  groupUnknown: refusal(404, 'EMU0404', 'The group was not found.'),
  tooManyGroups: refusal(400, 'EMU0400', 'The emulator cannot store any more groups.'),
  configurationTooLarge: refusal(400, 'EMU0400', "The group's configuration exceeds 8 KB."),
  pageUnknown: refusal(400, 'COM0008', 'The query is malformed: last_evaluated_key is unknown.'),
  pathUnknown: refusal(404, 'EMU0404', 'The path was not found.'),
  methodUnknown: refusal(405, 'EMU0405', 'The path does not support this method.'),
  bodyUnexpected: refusal(415, 'EMU0415', 'The operation does not accept a body.'),
  bodyNotJson: refusal(415, 'EMU0415', 'The Content-Type of the body must be application/json.'),
  bodyTooLarge: refusal(413, 'EMU0413', 'The body is too large.'),
  notLocal: refusal(
    403,
    'EMU0403',
    "The emulator's own paths can be requested only from this machine.",
  ),
  tooManyFaults: refusal(400, 'EMU0400', 'The emulator cannot store any more faults.'),
  tooManyDownlinks: refusal(503, 'EMU0503', 'Too many downlinks are in progress.'),
  tooManyViewers: refusal(503, 'EMU0503', 'Too many pages are open.'),
  pipelined: refusal(503, 'EMU0503', 'Send this request on another connection.'),
  asked: refusal(500, 'EMU0000', 'This error was requested with /emulator/faults.'),
  internal: refusal(500, 'AGW0005', 'Internal error.'),
} as const satisfies Record<string, HttpResponse>;

/** Builds the response to a call that the browser check refuses. */
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
  return refusal(400, 'EMU0400', `The user was not added: ${reason}.`);
}

export function downlinkFailed(reason: string): HttpResponse {
  return refusal(502, 'EMU0502', `The downlink failed: ${reason}.`);
}

export function notSaved(reason: string): HttpResponse {
  return refusal(500, 'EMU0500', `The state was not saved: ${reason}.`);
}

function refusal(status: number, code: string, message: string): HttpResponse {
  return { status, body: { code, message } };
}
