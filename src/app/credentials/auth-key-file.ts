/** Reads the file given by `--auth-key-file`. */
import { quote } from 'shell-quote';
import * as z from 'zod/mini';

import { PrivateFileError, type PrivateFiles } from '../../ports/private-files.js';
import { Secret } from '../../lib/secrets/secret.js';
import { UserError } from '../../lib/errors/user-error.js';
import { parseJson } from '../../lib/text/parse-json.js';
import { AUTH_KEY_ID_PREFIX, AUTH_KEY_PREFIX } from '../../soracom/auth/auth-key.js';
import { type AuthKeyHalves, authKeyHalves } from './credential-choice.js';
import { placeOf, privateFileFailed, STANDARD_INPUT } from './private-text.js';

const jsonForm = z.object({ authKeyId: z.optional(z.string()), authKey: z.string() });

/**
 * @param path `-` for standard input
 * @returns the auth key, and its ID if the file contains one
 * @throws UserError
 */
export async function readAuthKeyFile(path: string, files: PrivateFiles): Promise<AuthKeyHalves> {
  const text = await readText(path, files);
  const halves = parseAuthKey(text);
  if (halves?.authKey !== undefined) return halves;
  throw new UserError('configuration', {
    what: 'cannot read the auth key',
    why: `${placeOf(path)} does not contain an auth key in a known format`,
    next: [
      `Provide the key (${AUTH_KEY_PREFIX}...), the key with its ID (${AUTH_KEY_ID_PREFIX}...), or {"authKeyId": "...", "authKey": "..."}.`,
    ],
  });
}

async function readText(path: string, files: PrivateFiles): Promise<string> {
  try {
    return path === STANDARD_INPUT ? await files.readStandardInput() : await files.readText(path);
  } catch (error) {
    if (!(error instanceof PrivateFileError)) throw error;
    const mounted = `Or pass the key on standard input: --auth-key-file - < ${quote([path])}`;
    throw privateFileFailed(path, 'cannot read the auth key', error, mounted);
  }
}

function parseAuthKey(text: string): AuthKeyHalves | undefined {
  // trim() also removes a byte order mark.
  const content = text.trim();
  return content.startsWith('{') ? parseMembers(content) : parseWords(content.split(/\s+/));
}

function parseMembers(content: string): AuthKeyHalves | undefined {
  const { data } = jsonForm.safeParse(parseJson(content));
  return data && authKeyHalves({ authKeyId: data.authKeyId, authKey: new Secret(data.authKey) });
}

/** Identifies the key and its ID by their prefixes. */
function parseWords(words: readonly string[]): AuthKeyHalves | undefined {
  const [authKey, ...otherKeys] = words.filter((word) => word.startsWith(AUTH_KEY_PREFIX));
  const others = words.filter((word) => !word.startsWith(AUTH_KEY_PREFIX));
  const [authKeyId, ...rest] = others;
  if (authKey === undefined || otherKeys.length > 0 || rest.length > 0) return undefined;
  if (authKeyId?.startsWith(AUTH_KEY_ID_PREFIX) === false) return undefined;
  return authKeyHalves({ authKeyId, authKey: new Secret(authKey) });
}
