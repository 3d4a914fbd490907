/**
 * Runs before each test file. `dns.lookup()` refuses the names of other machines. If the file is in
 * COUNTED, its tests and hooks run in a private network, and the file fails if anything but WireGuard
 * leaves it.
 */
import { isCounted } from './counted-files.js';
import { refuseLookups } from './refuse-lookups.js';

declare global {
  /** Called after all hooks of the file (watched-environment.js). */
  var afterFile: (() => void)[];
}

beforeAll(() => void globalThis.afterFile.push(refuseLookups()));

if (isCounted(expect.getState().testPath!)) {
  // Before the file's own hooks, which start programs.
  beforeAll(async () => {
    const { PrivateNetwork } = await import('../foreign/private-network.js');
    const network = await PrivateNetwork.enter();
    // Not in afterAll(), because the file's own hooks of this kind end the programs later.
    if (network !== undefined) globalThis.afterFile.push(() => network.leave());
  });
}
