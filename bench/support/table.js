/**
 * Formats the output of `bench:tcp`: arctun's results relative to the kernel's, with the mean and
 * minimum of these ratios.
 */
import {
  ALGORITHMS,
  cellName,
  DIRECTIONS,
  IMPAIRMENTS,
  POST,
  planRuns,
  ROUND_TRIPS,
} from './plan.js';
import { median } from './results.js';

/** The required ratios for the table, and for the duration of a POST with BBR. */
export const LIMITS = { mean: 0.9, worst: 0.8, post: 1.5 };

/** Compares a cell if both stacks have results: returns the medians, and the number of runs. */
function compare(results, name, valueOf) {
  const [ours, kernel] = ['ours', 'kernel'].map((stack) => results.of(name, stack));
  if (ours.length === 0 || kernel.length === 0) return undefined;
  const [ourMedian, kernelMedian] = [ours, kernel].map((runs) => median(runs.map(valueOf)));
  return { ours: ourMedian, kernel: kernelMedian, ratio: ourMedian / kernelMedian };
}

/** @returns the lines, and `isGood` if all measured figures are within the limits */
export function report(results) {
  const parts = [
    reportTable(results),
    reportQueues(results),
    reportFairness(results),
    reportPost(results),
  ];
  return {
    text: parts.flatMap(({ lines }) => (lines.length > 0 ? [...lines, ''] : [])).join('\n'),
    isGood: parts.every(({ isGood }) => isGood !== false),
  };
}

function reportTable(results) {
  const ratios = [];
  const names = Object.keys(IMPAIRMENTS);
  const rows = [];
  for (const direction of DIRECTIONS) {
    for (const algorithm of ALGORITHMS) {
      for (const roundTrip of ROUND_TRIPS) {
        const cells = names.map((impairment) => {
          const name = cellName('table', { direction, algorithm, roundTrip, impairment });
          const compared = compare(results, name, ({ rate }) => rate);
          if (compared === undefined) return '';
          ratios.push({ name, ratio: compared.ratio });
          const { ratio, ours, kernel } = compared;
          return `${ratio.toFixed(2)} (${ours.toFixed(1)}/${kernel.toFixed(1)})`;
        });
        if (cells.some(Boolean)) rows.push([direction, algorithm, `${roundTrip} ms`, ...cells]);
      }
    }
  }
  if (ratios.length === 0) return { lines: [] };
  const mean = ratios.reduce((sum, { ratio }) => sum + ratio, 0) / ratios.length;
  const worst = ratios.reduce((least, next) => (next.ratio < least.ratio ? next : least));
  return {
    lines: [
      'One stream, ours/kernel (Mbit/s each):',
      '',
      ...markdown(['way', 'control', 'RTT', ...names], rows),
      '',
      `mean ${mean.toFixed(3)} of ${ratios.length} cells (limit ${LIMITS.mean}); ` +
        `worst ${worst.ratio.toFixed(2)}: ${worst.name} (limit ${LIMITS.worst})`,
    ],
    isGood: mean >= LIMITS.mean && worst.ratio >= LIMITS.worst,
  };
}

/** Formats the queueing delays that uploads cause on paths without impairment. */
function reportQueues(results) {
  const rows = [];
  for (const algorithm of ALGORITHMS) {
    for (const roundTrip of ROUND_TRIPS) {
      const cell = { direction: 'up', algorithm, roundTrip, impairment: 'clean' };
      const name = cellName('table', cell);
      const texts = ['ours', 'kernel'].map((stack) => queueText(results.of(name, stack), 'up'));
      if (texts.every(Boolean)) rows.push([algorithm, `${roundTrip} ms`, ...texts]);
    }
  }
  if (rows.length === 0) return { lines: [] };
  const title =
    'Queue of one upload stream in ms (median, 95th percentile), and dropped datagrams:';
  return { lines: [title, '', ...markdown(['control', 'RTT', 'ours', 'kernel'], rows)] };
}

function reportFairness(results) {
  const rows = [];
  for (const { name, algorithm, stack } of planRuns(['fairness'], 1)) {
    const runs = results.of(name, stack);
    if (runs.length === 0) continue;
    const [rate, otherRate, share] = ['rate', 'otherRate', 'share'].map((key) =>
      median(runs.map((run) => run[key])),
    );
    rows.push([
      `${stack === 'ours' ? 'our' : "the kernel's"} ${algorithm}`,
      rate.toFixed(1),
      otherRate.toFixed(1),
      `${(share * 100).toFixed(0)} %`,
      queueText(runs, 'up'),
    ]);
  }
  if (rows.length === 0) return { lines: [] };
  const header = ['flow', 'Mbit/s', 'CUBIC Mbit/s', 'its share', 'queue'];
  const title =
    "Sharing a bottleneck with the kernel's CUBIC, RTT 50 ms (share without the first quarter):";
  return { lines: [title, '', ...markdown(header, rows)] };
}

function reportPost(results) {
  const rows = [];
  let isGood;
  for (const { name, algorithm, impairment, stack } of planRuns(['post'], 1)) {
    if (stack !== 'ours') continue;
    const compared = compare(results, name, ({ milliseconds }) => milliseconds);
    if (compared === undefined) continue;
    const { ours, kernel, ratio } = compared;
    if (algorithm === 'bbr') isGood = (isGood ?? true) && ratio <= LIMITS.post;
    rows.push([algorithm, impairment, seconds(ours), seconds(kernel), ratio.toFixed(2)]);
  }
  if (rows.length === 0) return { lines: [] };
  const lines = [
    `A POST of ${POST.bytes / 1e6} MB, RTT ${POST.roundTrip} ms, ${POST.loss * 100} % lost each way ` +
      `(times; the limit with bbr is ${LIMITS.post}):`,
    '',
    ...markdown(['control', 'path', 'ours', 'kernel', 'ours/kernel'], rows),
  ];
  return { lines, isGood };
}

function queueText(runs, direction) {
  if (runs.length === 0) return '';
  const [middle, high, dropped] = [
    (queue) => queue.median,
    (queue) => queue.p95,
    (_queue, link) => link.dropped,
  ].map((valueOf) =>
    median(runs.map(({ path }) => valueOf(path[direction].queue, path[direction]))),
  );
  return `${middle.toFixed(1)}, ${high.toFixed(1)}; ${dropped.toFixed(0)}`;
}

function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

/** Formats a Markdown table that is also readable as plain text. */
function markdown(header, rows) {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column].length)),
  );
  const line = (cells) => `| ${cells.map((cell, at) => cell.padEnd(widths[at])).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(header), rule, ...rows.map(line)];
}
