/**
 * Sends the messages of many SIMs through the forwarder of one `arctun up`. Each message has its
 * time, whether or not the answers to earlier ones have arrived.
 */
import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';

/** Milliseconds between two looks at the messages that are due. */
const TICK = 5;
/** The maximum number of connections to the forwarder. */
const LANES = 512;
/** Milliseconds after which a message counts as failed. */
const PATIENCE = 60_000;
/** The number of messages in flight at which a rate is too high. */
const MOST_IN_FLIGHT = 4_000;

export class FleetLoad {
  #url;
  #agent = new Agent({ keepAlive: true, maxSockets: LANES, scheduling: 'lifo' });
  /** The number of messages so far, by SIM ID. */
  #numbers = new Map();

  constructor(url) {
    this.#url = new URL(url);
  }

  /**
   * Sends messages of the SIMs in turn. Stops early if too many have no answer.
   *
   * @param isDeleted whether the SIM with this ID was deleted; its messages may fail
   * @returns after the last answer
   */
  async send({ sims, perSecond, seconds, isDeleted = () => false }) {
    const run = { sent: new Map(), answered: new Map(), failures: [], times: [] };
    const total = Math.floor(perSecond * seconds);
    const flying = new Set();
    const began = performance.now();
    let started = 0;
    while (started < total && flying.size < MOST_IN_FLIGHT) {
      const passed = (performance.now() - began) / 1_000;
      const due = Math.min(total, Math.floor(passed * perSecond) + 1);
      for (; started < due; started++) {
        const sim = sims[started % sims.length];
        const { answer, outgoing } = this.#post(sim);
        const flight = answer.then(
          (time) => {
            add(run.answered, sim.simId);
            if (isDeleted(sim.simId)) return;
            run.times.push(time);
          },
          (error) => {
            if (!isDeleted(sim.simId)) run.failures.push(`${sim.name}: ${error.message}`);
          },
        );
        add(run.sent, sim.simId);
        const landed = flight.finally(() => flying.delete(tracked));
        const tracked = { landed, sim, outgoing };
        flying.add(tracked);
      }
      await pause(TICK);
    }
    const living = [...flying].filter(({ sim }) => !isDeleted(sim.simId));
    await Promise.all(living.map(({ landed }) => landed));
    // No answer is due for the SIMs that were deleted.
    for (const { outgoing } of flying) outgoing.destroy(new Error('the SIM was deleted'));
    await Promise.all([...flying].map(({ landed }) => landed));
    return run;
  }

  /** @returns the request, and the milliseconds until the answer */
  #post({ name, simId }) {
    const number = (this.#numbers.get(simId) ?? 0) + 1;
    this.#numbers.set(simId, number);
    const body = `${simId} ${number}`;
    const headers = { 'X-Arctun-Sim': name, 'Content-Length': body.length };
    const began = performance.now();
    const outgoing = request(this.#url, {
      ...{ method: 'POST', agent: this.#agent, headers, timeout: PATIENCE },
    });
    const answer = new Promise((resolve, reject) => {
      outgoing.on('response', (response) => {
        response.resume().on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 201) resolve(performance.now() - began);
          else reject(new Error(`HTTP ${response.statusCode}`));
        });
      });
      outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer in ${PATIENCE} ms`)));
      outgoing.on('error', reject).end(body);
    });
    return { answer, outgoing };
  }

  close() {
    this.#agent.destroy();
  }
}

function add(counts, simId) {
  counts.set(simId, (counts.get(simId) ?? 0) + 1);
}
