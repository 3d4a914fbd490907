/** Gives up the capabilities of this thread, and of the programs that it starts (capabilities(7)). */
import { type Libc, SystemCallError } from '../libc.js';
import { LITTLE_ENDIAN } from '../machine-word.js';

export const CAP_NET_BIND_SERVICE = 10;
export const CAP_NET_RAW = 13;

const PR_CAPBSET_READ = 23;
const PR_CAPBSET_DROP = 24;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_RAISE = 2;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;

/** _LINUX_CAPABILITY_VERSION_3: each set has two words. */
const VERSION = 0x20080522;
const WORDS = 2;
const FIELDS = 3;

/**
 * Gives up all capabilities except `kept`. Programs that are started afterwards have the capabilities
 * in `kept`. Only files with capabilities, and root, can gain those in `bounding`.
 *
 * @throws SystemCallError
 */
export function keepCapabilities(
  libc: Libc,
  { kept, bounding }: { readonly kept: readonly number[]; readonly bounding: readonly number[] },
): void {
  const prctl = libc.bind(
    'int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)',
  );
  const call = (...parameters: readonly [number, number, number]) => {
    if (prctl(...parameters, 0, 0) < 0) throw new SystemCallError('prctl', libc.errno());
  };
  call(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0);
  for (let capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
    if (!bounding.includes(capability)) call(PR_CAPBSET_DROP, capability, 0);
  }
  setCapabilities(libc, kept);
  for (const capability of kept) call(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability);
}

function setCapabilities(libc: Libc, kept: readonly number[]): void {
  const header = new DataView(new ArrayBuffer(8));
  header.setUint32(0, VERSION, LITTLE_ENDIAN);
  const data = new DataView(new ArrayBuffer(WORDS * FIELDS * 4));
  const mask = kept.reduce((bits, capability) => bits | (1 << capability), 0) >>> 0;
  // The first word has the effective, the permitted and the inheritable set.
  for (let field = 0; field < FIELDS; field++) data.setUint32(field * 4, mask, LITTLE_ENDIAN);
  const pointer = ({ buffer }: DataView) => Number(libc.address(new Uint8Array(buffer)));
  const capset = libc.bind('int capset(uintptr_t, uintptr_t)');
  if (capset(pointer(header), pointer(data)) < 0) {
    throw new SystemCallError('capset', libc.errno());
  }
}
