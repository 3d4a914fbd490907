import { lstat } from 'node:fs/promises';

/** Who owns a socket that this user may not connect to: `root`, `user 1000`. */
export async function socketOwner(path: string): Promise<string> {
  try {
    const { uid } = await lstat(path);
    return uid === 0 ? 'root' : `user ${uid}`;
  } catch {
    return 'another user';
  }
}
