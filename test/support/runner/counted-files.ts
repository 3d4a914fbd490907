/** The test files that run in a private network. Counters check the packets that leave it. */
import { REPOSITORY } from '../processes.js';

/** Folders and files in test/ whose programs reach each other over the loopback interface. */
export const COUNTED = [
  'e2e/',
  'library/',
  'interop/journey.test.ts',
  'interop/socket-activation.release.test.ts',
  'library-document.release.test.ts',
  'emulator/emulator.test.ts',
  'emulator/wireguard-network.test.ts',
] as const;

/** Files in these folders that stay in the machine's network. */
export const EXCEPTIONS = ['e2e/armhf.release.test.ts'] as const;

/** @param path the absolute path of a test file */
export function isCounted(path: string): boolean {
  const isIn = (names: readonly string[]) =>
    names.some((name) => path.startsWith(`${REPOSITORY}test/${name}`));
  return isIn(COUNTED) && !isIn(EXCEPTIONS);
}
