import { TunnelError } from '../../tunnel/tunnel-error.js';
import type { Finding } from '../sim/diagnose-sim.js';

/** Replaces the likely cause in a tunnel's error with the problem that SORACOM reports. */
export function withFinding(error: unknown, finding: Finding | undefined): unknown {
  if (!(error instanceof TunnelError) || finding === undefined) return error;
  const why = finding.problem.replace(/^The /, 'the ').replace(/\.$/, '');
  return new TunnelError(error.reason, {
    what: error.what,
    why,
    next: [finding.next],
    cause: error,
  });
}
