/** The ports of the `sim` commands. */
import type { SignInPorts } from '../../app/credentials/signed-in.js';
import type { StateHome } from '../../app/session/session-state.js';
import type { SoracomApi } from '../../soracom/soracom-api.js';
import type { Context } from '../context.js';
import type { CredentialFlags } from '../flags/credential-flags.js';
import { createProgress, type Progress } from '../output/progress.js';
import { credentialsPort } from './sign-in.js';

export type SimPorts = Required<Omit<SignInPorts<SoracomApi>, 'inTurn'>> & StateHome;

/** Runs a use case and shows its progress on a terminal, until the result is available. */
export async function withSimPorts<Result>(
  context: Context,
  flags: CredentialFlags & { readonly quiet: boolean },
  work: (ports: SimPorts, progress: Progress, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const progress = createProgress(context, flags);
  const ports: SimPorts = {
    files: await context.files(),
    stateFolder: context.stateFolder(),
    credentials: await credentialsPort(context, flags),
    createClient: await context.soracomClients(),
    onStep: (step) => progress.step(step),
  };
  try {
    const result = await work(ports, progress, await context.stopSignal());
    progress.end();
    return result;
  } catch (error) {
    progress.end('failed');
    throw error;
  }
}
