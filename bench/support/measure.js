/** One run of `bench:tcp` in a lab. */
import { setTimeout as pause } from 'node:timers/promises';

import { SERVICES } from './lab.js';
import { POST } from './plan.js';
import { PORTS } from './streams.js';
import { Task } from './task.js';

/** The maximum number of checks for open connections, and the interval between them in ms. */
const LOOKS = 50;
const LOOK_INTERVAL = 100;

/** A measurement of two flows takes this many times as long as one of a single flow. */
const FAIRNESS_FACTOR = 2;

export class Measurement {
  #lab;
  #milliseconds;

  constructor(lab, milliseconds) {
    this.#lab = lab;
    this.#milliseconds = milliseconds;
  }

  /**
   * @returns rates in Mbit/s, or the ms of a POST, with the relay's report on the path
   * @throws Error if a process fails, or the kernel uses the wrong congestion control
   */
  async run(plan) {
    const lab = this.#lab;
    await this.#untilQuiet();
    lab.setServerCongestion(plan.algorithm);
    const relay = await lab.startRelay(plan.path);
    const flows = plan.scene === 'fairness' ? [plan, besideIt(plan)] : [plan];
    const tasks = flows.map((flow) => this.#startTask(flow));
    try {
      await Promise.all(tasks.map((task) => task.ready()));
      for (const task of tasks) task.go();
      for (const task of tasks) await this.#checkKernel(task.setup);
      const results = await Promise.all(tasks.map((task) => task.result()));
      relay.endInput();
      const path = JSON.parse(await relay.line((line) => line.startsWith('{')));
      return { ...summarize(plan.scene, results), cpu: results[0].cpu, path };
    } finally {
      relay.kill();
      await Promise.all([relay.ended(), ...tasks.map((task) => task.end())]);
    }
  }

  /** Waits until the previous run's connections, which would share the path, have ended. */
  async #untilQuiet() {
    for (let look = 0; look < LOOKS; look++) {
      if (['client', 'server'].every((space) => this.#lab.kernelCongestion(space).size === 0))
        return;
      await pause(LOOK_INTERVAL);
    }
    throw new Error('connections of the run before do not end');
  }

  #startTask({ scene, stack, algorithm, direction }) {
    return new Task(this.#lab, {
      ...{ stack, task: scene === 'post' ? 'post' : direction, congestion: algorithm },
      ...{ host: SERVICES[algorithm], config: this.#lab.configPath, bytes: POST.bytes },
      // Two flows need time to reach their fair shares.
      milliseconds: this.#milliseconds * (scene === 'fairness' ? FAIRNESS_FACTOR : 1),
    });
  }

  /**
   * Checks the congestion control if the kernel sends. If the library sends, its own tests check
   * this.
   */
  async #checkKernel({ stack, task, congestion: algorithm }) {
    if (task === 'post' || (stack !== 'kernel' && task === 'up')) return;
    const filter =
      task === 'up'
        ? ['client', 'dst', `${SERVICES[algorithm]}:${PORTS.up}`]
        : ['server', 'sport', `:${PORTS.down}`];
    for (let look = 0; look < LOOKS; look++) {
      const found = this.#lab.kernelCongestion(...filter);
      if (found.size === 1 && found.has(algorithm)) return;
      if (found.size > 0)
        throw new Error(`the kernel sends with ${[...found].join(', ')}, not with ${algorithm}`);
      await pause(LOOK_INTERVAL);
    }
    throw new Error('the connection is not to be found');
  }
}

/** Returns the competing flow: the kernel's CUBIC on the same bottleneck. */
function besideIt(plan) {
  return { ...plan, stack: 'kernel', algorithm: 'cubic' };
}

/** @returns each flow's Mbit/s and share, or the ms of a POST */
function summarize(scene, flows) {
  if (scene === 'post') return { milliseconds: flows[0].milliseconds };
  const rates = flows.map(({ bytes, milliseconds }) => (bytes * 8) / 1000 / milliseconds);
  const [rate, otherRate] = rates;
  if (scene !== 'fairness') return { rate, seconds: flows[0].seconds.map(megabits) };
  // Skip the first quarter, in which the flow that starts first has an advantage.
  const [own, other] = flows.map(({ seconds }) => {
    const later = seconds.slice(Math.floor(seconds.length / 4));
    return later.reduce((sum, bytes) => sum + bytes, 0);
  });
  return { rate, otherRate, share: own / (own + other) };
}

function megabits(bytes) {
  return Math.round((bytes * 8) / 1e5) / 10;
}
