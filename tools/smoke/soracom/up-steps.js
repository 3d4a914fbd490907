/** The steps that use `arctun up`, as a user would. */
import { NotPossible, pause } from '../steps.js';
import { requireSim } from './sim-steps.js';

/** @typedef {import('./sim-run.js').SimRun} SimRun */
/** @typedef {import('../steps.js').Step} Step */

const MESSAGE = '{"arctun":"smoke test"}';

/** How long after the server's close a request follows, in ms. */
const AFTER_CLOSE = 1_000;

const SENT_AGAIN = /sent again: the target closed the connection/g;

/**
 * @param {SimRun} run
 * @returns {Step}
 */
export function useUp(run) {
  return {
    title: 'Send through arctun up',
    limit: run.settings.idleLimit + 120,
    async run({ note, signal }) {
      requireSim(run);
      const started = performance.now();
      const up = run.start([
        ...['up', '--mode', 'userspace', '--json', '--no-renew', '--log-level', 'debug'],
        ...['--forward-listen', '127.0.0.1:0', '--proxy-listen', '127.0.0.1:0'],
      ]);
      try {
        const [line] = await up.printed(/^\{.*\}$/m, signal);
        note('ready after', `${(performance.now() - started).toFixed(0)} ms`);
        await useForwarder(run, JSON.parse(line).forward, { note, signal });
        note('requests sent again', [...up.stderr.matchAll(SENT_AGAIN)].length);
        for (const via of ['tcp', 'udp']) {
          const send = ['send', MESSAGE, '--via', via, '--json'];
          const { stdout } = await run.arctun(send, { signal });
          note(`answer over ${via.toUpperCase()}`, JSON.stringify(JSON.parse(stdout).answer));
        }
      } finally {
        const { code } = await up.stop();
        note('exit code of up', String(code));
      }
    },
  };
}

/** @param {SimRun} run */
async function useForwarder(run, url, { note, signal }) {
  const post = async (name) => {
    const began = performance.now();
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: MESSAGE,
      signal,
    });
    await response.text();
    note(name, `HTTP ${response.status}, ${(performance.now() - began).toFixed(0)} ms`);
    return response.status;
  };
  const statuses = [await post('first request'), await post('second request')];
  const { idleEnd } = run;
  if (idleEnd?.how === 'FIN' || idleEnd?.how === 'RST') {
    await pause(idleEnd.seconds * 1000 + AFTER_CLOSE, signal);
    statuses.push(
      await post(`request ${AFTER_CLOSE} ms after the server closes an idle connection`),
    );
  } else {
    note('request after an idle connection was closed', 'not sent: no close was measured');
  }
  if (statuses.some((status) => status >= 500)) throw new Error('a request failed');
  if (statuses.some((status) => status >= 400)) {
    throw new NotPossible('the Unified Endpoint does not accept messages from this group');
  }
}
