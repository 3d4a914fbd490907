/** The steps that create, renew and terminate the virtual SIM, with the commands of arctun. */
import { CommandError } from '../commands.js';
import { NotPossible } from '../steps.js';
import { clockDifference, dumpedResponses, shapeOf } from './shapes.js';
import { TAG } from './sim-run.js';

/** @typedef {import('./sim-run.js').SimRun} SimRun */
/** @typedef {import('../steps.js').Step} Step */

/** A SIM that is younger may belong to a run on another machine: see MOST_IDLE_LIMIT of settings.js. */
const OLD = '1h';

/** arctun repeats a refused call for up to two minutes. */
const API_LIMIT = 300;

const VERBOSE = { SORACOM_VERBOSE: '1' };

/**
 * Terminates the SIMs of runs that were killed.
 *
 * @param {SimRun} run
 * @param {(text: string) => void} show
 * @returns {Step}
 */
export function sweep(run, show) {
  return {
    title: 'Terminate the SIMs of earlier runs',
    limit: API_LIMIT,
    async run({ note, signal }) {
      let terminated = 0;
      if (run.leftover === 'sim') {
        await run.signedIn(['sim', 'terminate', '--yes', '--json'], { signal });
        run.forgetEarlier();
        terminated++;
      }
      const filter = ['--tag', TAG, '--older-than', OLD];
      const command = ['sim', 'terminate', ...filter, '--yes', '--json'];
      const { stdout } = await run.signedIn(command, { signal });
      const { sims, notes } = JSON.parse(stdout);
      for (const text of notes) show(text);
      terminated += sims.filter(({ outcome }) => outcome === 'terminated').length;
      note('terminated', terminated);
      const kept = sims.filter(({ outcome }) => outcome === 'kept');
      for (const { simId, reason } of kept) show(`SIM ${simId} was kept: ${reason}`);
    },
  };
}

/**
 * @param {SimRun} run
 * @param {(text: string) => void} show
 * @returns {Step}
 */
export function createSim(run, show) {
  return {
    title: 'Create a virtual SIM',
    limit: API_LIMIT,
    async run({ note, signal }) {
      if (run.leftover === 'sim') {
        throw new NotPossible('the SIM of an earlier run could not be terminated');
      }
      const labels = ['--name', `${TAG}-${run.startedAt}`, '--tag', `${TAG}=${run.startedAt}`];
      const group = run.settings.group === undefined ? [] : ['--group', run.settings.group];
      const command = ['bootstrap', 'authkey', ...labels, ...group, '--json'];
      const clock = new ApiClock();
      run.isCreating = true;
      try {
        const { stdout, stderr } = await run.signedIn(command, {
          env: VERBOSE,
          signal,
          onStderr: (text) => clock.read(text),
        });
        noteResponses(run, stderr, note);
        note('clock of the API', clock.difference);
        const { notes } = JSON.parse(stdout);
        if (notes.length > 0) throw new Error(notes.join(' '));
      } catch (error) {
        if (error instanceof CommandError) noteResponses(run, error.finished.stderr, note);
        throw error;
      } finally {
        run.isCreating = false;
        run.readConfig();
        if (run.simId !== '') {
          show(`The virtual SIM ${run.simId} is now billed. If this run is killed, terminate it:`);
          show(`  ${run.terminateCommand}`);
        }
      }
    },
  };
}

/**
 * @param {SimRun} run
 * @returns {Step}
 */
export function createSession(run) {
  return {
    title: 'Create another session of the SIM',
    limit: API_LIMIT,
    async run({ note, signal }) {
      requireSim(run);
      const command = ['bootstrap', 'authkey', '--json'];
      const { stderr } = await run.signedIn(command, { env: VERBOSE, signal });
      noteResponses(run, stderr, note);
      const { arcSessionStatus: session = {}, ...others } = run.readConfig();
      note('endpoint of the Arc server', endpointForm(session.arcServerEndpoint ?? ''));
      note('allowed IPs', (session.arcAllowedIPs ?? []).join(', '));
      note('members of arc.json', Object.keys(others).join(', '));
    },
  };
}

/**
 * @param {SimRun} run
 * @returns {Step}
 */
export function showSim(run) {
  return {
    title: 'Read the SIM',
    limit: API_LIMIT,
    async run({ note, signal }) {
      requireSim(run);
      const { stdout } = await run.signedIn(['sim', 'show', '--json'], { signal });
      const { arcConfig, ...sim } = JSON.parse(stdout);
      for (const name of ['imsi', 'address', 'arcClientPeerPublicKey', 'groupId']) {
        run.redaction.add(name, sim[name]);
      }
      note('members', shapeOf(sim).join(', '));
      note('status', sim.status ?? '');
      note('speed class', sim.speedClass ?? '');
      note('placement', JSON.stringify(sim.sessionStatus?.placement ?? {}));
      note('termination is enabled', String(sim.terminationEnabled));
      const findings = arcConfig?.findings ?? [];
      if (findings.length > 0) throw new Error(findings.map(({ problem }) => problem).join('; '));
    },
  };
}

/**
 * @param {SimRun} run
 * @returns {Step}
 */
export function renewKey(run) {
  return {
    title: 'Renew the key, and send with it',
    limit: API_LIMIT,
    async run({ note, signal }) {
      requireSim(run);
      const before = run.readConfig();
      const started = performance.now();
      await run.signedIn(['sim', 'renew-key', '--json'], { signal });
      note('renewal', `${((performance.now() - started) / 1000).toFixed(1)} s`);
      const after = run.readConfig();
      const isSame = (name) => before.arcSessionStatus?.[name] === after.arcSessionStatus?.[name];
      if (before.publicKey === after.publicKey) throw new Error('the key is still the old one');
      note('the server has the same key', String(isSame('arcServerPeerPublicKey')));
      note('the SIM has the same address', String(isSame('arcClientPeerIpAddress')));
      // Over UDP, so that the step does not depend on the services of the SIM's group.
      const send = ['send', '{"arctun":"smoke test"}', '--via', 'udp', '--json'];
      const { stdout } = await run.arctun(send, { signal });
      note('answer to a message with the new key', JSON.stringify(JSON.parse(stdout).answer));
    },
  };
}

/**
 * @param {SimRun} run
 * @param {(text: string) => void} show
 * @returns {Step}
 */
export function terminateSim(run, show) {
  return {
    title: 'Terminate the virtual SIM',
    limit: API_LIMIT,
    always: true,
    async run({ note, signal }) {
      run.readConfig();
      if (run.simId === '' && run.leftover === undefined) {
        run.forget();
        throw new NotPossible('no virtual SIM was created');
      }
      if (run.simId === '') await finishCreation(run, signal, show);
      const { simId } = run;
      try {
        await run.signedIn(['sim', 'terminate', simId, '--yes', '--json'], { signal });
      } catch (error) {
        show(run.remains);
        throw error;
      }
      run.forget();
      note('status afterwards', await statusOf(run, simId, signal));
    },
  };
}

/** Finishes an interrupted creation, because only then the ID of the SIM is known. */
async function finishCreation(run, signal, show) {
  try {
    await run.signedIn(['bootstrap', 'authkey', '--json'], { signal });
    run.readConfig();
  } catch (error) {
    const { stderr = '' } = error instanceof CommandError ? error.finished : {};
    show(`SORACOM may have created a virtual SIM, which it bills:\n${stderr}`);
    show(run.howToFinish);
    throw error;
  }
}

/** The SIM is terminated, even if its status cannot be read. */
async function statusOf(run, simId, signal) {
  try {
    const { stdout } = await run.signedIn(['sim', 'show', simId, '--json'], { signal });
    return JSON.parse(stdout).status ?? 'unknown';
  } catch (error) {
    return `unknown: ${error.message}`;
  }
}

/** @param {SimRun} run */
export function requireSim(run) {
  if (run.simId === '') throw new NotPossible('no virtual SIM was created');
}

/** The latest Date of the API, compared with the time at which it arrived. */
class ApiClock {
  difference = clockDifference(undefined, 0);

  read(text) {
    const dates = [...text.matchAll(/^date: (.+)$/gim)];
    const last = dates.at(-1)?.[1];
    if (last !== undefined) this.difference = clockDifference(last, Date.now());
  }
}

function noteResponses(run, text, note) {
  for (const { target, host, status, body } of dumpedResponses(text)) {
    run.apiHost = host;
    if (target.endsWith('/auth') || target.endsWith('/auth/logout')) continue;
    note(`${target}: HTTP status`, status);
    note(`${target}: members`, shapeOf(body).join(', '));
  }
}

/** Returns an endpoint with its host only if it is a name of SORACOM. */
function endpointForm(endpoint) {
  const [, host = '', port = 'none'] = /^(.*?)(?::(\d+))?$/.exec(endpoint) ?? [];
  const shown = host.endsWith('.soracom.io') ? host : 'not a name of SORACOM';
  return `${shown}, port ${port}`;
}
