import { tunnelFlags } from './tunnel-flags.js';

const { wait, force } = tunnelFlags;

/** Flags of the commands that use the tunnel of a running `up`, or open one of their own. */
export const accessFlags = { wait, force };
