/**
 * Tests arctun with a SORACOM account, and writes a report that can be pasted into an issue. Creates
 * one virtual SIM, and terminates it even after a failure. `--help` lists the flags.
 */
import { RefusedError, smokeTest } from './smoke-test.js';
import { readSettings, USAGE } from './soracom/settings.js';
import {
  createSession,
  createSim,
  renewKey,
  showSim,
  sweep,
  terminateSim,
} from './soracom/sim-steps.js';
import { SimRun, TAG } from './soracom/sim-run.js';
import { tunnelSteps } from './soracom/tunnel-steps.js';
import { useUp } from './soracom/up-steps.js';

const PLAN = `This test uses your SORACOM account:

  1. It terminates the virtual SIMs that earlier runs left behind (tag ${TAG}, older than an hour).
  2. It creates one virtual SIM. SORACOM bills a virtual SIM from its creation, with an initial fee and a
     monthly fee. The price list of SORACOM shows the amounts.
  3. It sends about ten messages through the tunnel: less than 100 kB of traffic, which SORACOM also bills.
     A service that is enabled in the SIM's group may bill the messages, too.
  4. It terminates the virtual SIM. SORACOM then stops charging for it.
`;

process.exitCode = await smokeTest({
  name: 'soracom',
  title: 'First contact of arctun with SORACOM',
  usage: USAGE,
  plan: PLAN,
  question: 'Create a virtual SIM, which SORACOM bills?',
  readSettings,
  begin(settings, { workingFolder, startedAt, show }) {
    const run = new SimRun({ settings, workingFolder, startedAt });
    try {
      run.prepare();
    } catch (error) {
      const next = 'Run the test in a folder that you may write.';
      throw new RefusedError(`cannot create ${run.folder}: ${error.message}`, next);
    }
    const other = run.claim();
    if (other !== undefined) {
      throw new RefusedError(
        `another run is using ${run.folder}`,
        `Wait for process ${other}. If it is not a smoke test, delete ${run.folder}/pid.`,
      );
    }
    return {
      steps: [
        sweep(run, show),
        createSim(run, show),
        createSession(run),
        showSim(run),
        ...tunnelSteps(run),
        useUp(run),
        renewKey(run),
        terminateSim(run, show),
      ],
      redaction: run.redaction,
      about: () => [['API', apiOf(run)]],
      remains: () => run.remains,
    };
  },
});

function apiOf({ apiHost }) {
  if (apiHost === '') return 'unknown, because it did not answer';
  return apiHost.endsWith('.soracom.io') ? apiHost : 'not an API of SORACOM, such as an emulator';
}
