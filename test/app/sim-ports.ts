/** Ports for the use cases of `sim`: everything in memory. */
import type { ArcProfile } from '../../src/arc-config/arc-config.js';
import type { Credentials } from '../../src/soracom/auth/sign-in.js';
import { MemoryFiles } from '../arc-config/memory-files.js';
import { MemoryJournals } from '../arc-config/memory-journals.js';
import { FakeClaims } from '../support/fakes/fake-claims.js';
import { CREDENTIALS, FakeSoracom } from './fake-soracom.js';

export function simTestPorts() {
  const api = new FakeSoracom();
  const steps: string[] = [];
  /** The messages about arc.json's own profile, in order. */
  const profiles: (ArcProfile | undefined)[] = [];
  return {
    api,
    steps,
    profiles,
    files: new MemoryFiles(),
    journals: new MemoryJournals(),
    stateFolder: '/state',
    claims: new FakeClaims(),
    credentials: (profile: ArcProfile | undefined): Promise<Credentials> => {
      profiles.push(profile);
      return Promise.resolve(CREDENTIALS);
    },
    createClient: () => api,
    onStep: (step: string) => void steps.push(step),
    now: () => 2_000_000,
  };
}

export type SimTestPorts = ReturnType<typeof simTestPorts>;
