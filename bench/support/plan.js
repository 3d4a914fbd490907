/** Plans the runs of `bench:tcp`: for each setting, arctun's runs alternate with the kernel's. */

export const ALGORITHMS = ['cubic', 'bbr'];
export const DIRECTIONS = ['up', 'down'];
export const ROUND_TRIPS = [20, 50, 100];

/** How the path impairs datagrams in each direction, as fractions from 0 to 1. */
export const IMPAIRMENTS = {
  clean: { loss: 0, reorder: 0 },
  'loss0.1%': { loss: 0.001, reorder: 0 },
  'loss1%': { loss: 0.01, reorder: 0 },
  'reorder1%': { loss: 0, reorder: 0.01 },
};

const RATE = 100;

/**
 * The queue holds one bandwidth-delay product, but at most this many ms at the bottleneck's rate.
 */
const LONGEST_QUEUE = 50;

const FAIRNESS_ROUND_TRIP = 50;

/**
 * A POST over a fast path with little loss. With CUBIC, the result includes its reaction to the
 * loss.
 */
export const POST = { bytes: 8_000_000, roundTrip: 40, loss: 0.005 };

/** The TCP implementation at the client's end. */
export const STACKS = ['kernel', 'ours'];

/** Returns a cell's path, with the same seed for arctun's and the kernel's runs. */
export function pathOf({ roundTrip, impairment, seed }) {
  const queue = Math.min(roundTrip, LONGEST_QUEUE);
  return { rate: RATE, delay: roundTrip / 2, queue, ...IMPAIRMENTS[impairment], seed };
}

/** @param repeats the number of runs of each cell */
export function planRuns(scenes, repeats) {
  const scenePlans = { table: planTable, fairness: planFairness, post: planPost };
  return scenes.flatMap((scene) => {
    const cells = scenePlans[scene]();
    return Array.from({ length: repeats }, (_, repeat) =>
      cells.flatMap((cell) => STACKS.map((stack) => planRun(scene, cell, stack, repeat))),
    ).flat();
  });
}

function planRun(scene, cell, stack, repeat) {
  const name = cellName(scene, cell);
  const path = { ...cell.path, seed: repeat + 1 };
  return { scene, ...cell, path, stack, repeat, name, key: `${name} ${stack} ${repeat}` };
}

function planTable() {
  return DIRECTIONS.flatMap((direction) =>
    ALGORITHMS.flatMap((algorithm) =>
      ROUND_TRIPS.flatMap((roundTrip) =>
        Object.keys(IMPAIRMENTS).map((impairment) => {
          const path = pathOf({ roundTrip, impairment });
          return { direction, algorithm, roundTrip, impairment, path };
        }),
      ),
    ),
  );
}

/** Compares arctun with the kernel's TCP, each next to a competing kernel CUBIC flow. */
function planFairness() {
  return ALGORITHMS.map((algorithm) => {
    const path = pathOf({ roundTrip: FAIRNESS_ROUND_TRIP, impairment: 'clean' });
    return {
      direction: 'up',
      algorithm,
      roundTrip: FAIRNESS_ROUND_TRIP,
      impairment: 'clean',
      path,
    };
  });
}

function planPost() {
  const { roundTrip, loss } = POST;
  return ALGORITHMS.flatMap((algorithm) =>
    [0, RATE].map((rate) => {
      const path = { rate, delay: roundTrip / 2, queue: LONGEST_QUEUE, loss, reorder: 0 };
      const impairment = rate === 0 ? 'without a bottleneck' : `${rate} Mbit/s`;
      return { direction: 'up', algorithm, roundTrip, impairment, path };
    }),
  );
}

export function cellName(scene, { direction, algorithm, roundTrip, impairment }) {
  return `${scene} ${direction} ${algorithm} ${roundTrip}ms ${impairment}`;
}
