import { lstat } from 'node:fs/promises';

/**
 * Returns the owner of a socket to which this user is not allowed to connect: `root`, `user 1000`.
 */
export async function socketOwner(path: string): Promise<string> {
  try {
    const { uid } = await lstat(path);
    return uid === 0 ? 'root' : `user ${uid}`;
  } catch {
    return 'another user';
  }
}
