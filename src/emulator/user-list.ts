import * as z from 'zod';

import { parseJson } from '../lib/text/parse-json.js';
import { emulatorUser, type EmulatorUser, MAX_USERS, Users } from './users.js';

/**
 * Parses a JSON array of users that must not conflict with `others`.
 *
 * @throws Error that explains the problem without quoting a secret
 */
export function parseUserList(
  text: string,
  others: readonly EmulatorUser[],
): readonly EmulatorUser[] {
  const list = parseJson(text);
  if (list === undefined) throw new Error('the text must be JSON');
  const { success, data, error } = z.array(emulatorUser).max(MAX_USERS).safeParse(list);
  if (!success) {
    const [issue] = error.issues;
    const [index, ...path] = issue?.path.map(String) ?? [];
    const where = index === undefined ? '' : `user ${[index, ...path].join('.')}: `;
    throw new Error(`${where}${issue?.message ?? ''}`, { cause: error });
  }
  const users = new Users(others);
  for (const [index, user] of data.entries()) {
    const reason = users.add(user);
    if (reason !== undefined) throw new Error(`user ${index}: ${reason}`);
  }
  return data;
}
