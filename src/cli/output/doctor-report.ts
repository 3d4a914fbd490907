/** Formats the results of `doctor` for people and for programs. */
import { type Check, type FailedCheck, LABELS } from '../../app/doctor/check.js';
import type { FleetChecks } from '../../app/doctor/examine-fleet.js';
import { EXIT_CODES } from '../errors/exit-codes.js';
import { renderText } from './render.js';

const MARKS = { ok: '✔', failed: '✖', skipped: '–' } as const;

/** The marks for files and pipes, which search tools find, and whose encoding is unknown. */
const PLAIN_MARKS = { ok: 'ok  ', failed: 'FAIL', skipped: '-   ' } as const;

/** @param isTerminal whether the output is a terminal, which shows symbols */
export function doctorText(
  checks: readonly Check[],
  { isTerminal }: { readonly isTerminal: boolean },
): string {
  const marks = isTerminal ? MARKS : PLAIN_MARKS;
  const lines = checks.map(
    ({ name, outcome, text }) => `${marks[outcome]} ${LABELS[name]}: ${text}`,
  );
  const problems = checks.filter((check) => check.outcome === 'failed');
  const end = problems.length === 0 ? [nothingFound(checks)] : problemLines(problems);
  return renderText(`${[...lines, '', ...end].join('\n')}\n`);
}

function nothingFound(checks: readonly Check[]): string {
  const count = checks.filter(({ outcome }) => outcome === 'skipped').length;
  if (count === 0) return 'No problems found.';
  return `No problems found. ${count === 1 ? '1 check was' : `${count} checks were`} skipped.`;
}

function problemLines(problems: readonly FailedCheck[]): string[] {
  const fixable = problems.filter(({ fix }) => fix !== undefined);
  return [
    problems.length === 1 ? '1 problem:' : `${problems.length} problems:`,
    ...problems.flatMap(explained),
    ...(fixable.length === 0 ? [] : ['', fixLine(problems, fixable)]),
  ];
}

function explained({ name, text, cause, remedy }: FailedCheck): string[] {
  return [
    `  ${LABELS[name]}: ${text}`,
    `    Cause: ${cause.replaceAll('\n', '\n    ')}`,
    `    Remedy: ${remedy}`,
  ];
}

/** Formats only the problems of several SIMs, and the names of the SIMs that have some. */
export function fleetDoctorText({ ignored, sims }: FleetChecks): string {
  const wrong = sims
    .map(({ sim, checks }) => ({ sim, problems: checks.filter(isFailed) }))
    .filter(({ problems }) => problems.length > 0);
  const files = ignored.filter(isFailed);
  const blocks = [
    ...(files.length === 0 ? [] : ['Ignored files:', ...files.flatMap(explained)]),
    ...wrong.flatMap(({ sim, problems }) => [`${sim}:`, ...problems.flatMap(explained)]),
  ];
  const lines = blocks.length === 0 ? [] : [...blocks, ''];
  if (files.length > 0) lines.push(`Ignored files: ${files.length}`);
  if (wrong.length > 0) {
    const names = wrong.map(({ sim }) => sim).join(', ');
    lines.push(`${wrong.length} of ${sims.length} SIMs have problems: ${names}`);
  } else {
    const none = blocks.length === 0 ? 'No problems found.' : 'The SIMs have no problems.';
    lines.push(`${none} SIMs checked: ${sims.length}.`);
  }
  return renderText(`${lines.join('\n')}\n`);
}

/** Returns the JSON value for several SIMs that docs/reference/commands/doctor.md describes. */
export function fleetDoctorValue({ ignored, sims }: FleetChecks): object {
  return {
    healthy: ignored.length === 0 && sims.every(({ checks }) => !checks.some(isFailed)),
    ignored: ignored.map(checkValue),
    sims: sims.map(({ sim, checks }) => ({ sim, ...doctorValue(checks) })),
  };
}

function isFailed(check: Check): check is FailedCheck {
  return check.outcome === 'failed';
}

/** Names the fixable problems if `--fix` cannot fix all. */
function fixLine(problems: readonly FailedCheck[], fixable: readonly FailedCheck[]): string {
  const names = fixable.map(({ name }) => LABELS[name]).join(' and ');
  const what =
    fixable.length < problems.length
      ? `the problem with ${names}`
      : problems.length === 1
        ? 'this problem'
        : 'these problems';
  return `"arctun doctor --fix" can fix ${what}.`;
}

/** Returns the JSON value that docs/reference/commands/doctor.md describes. */
export function doctorValue(checks: readonly Check[]): object {
  return {
    healthy: checks.every(({ outcome }) => outcome !== 'failed'),
    checks: checks.map(checkValue),
  };
}

function checkValue(check: Check): object {
  const { name, outcome, text } = check;
  if (check.outcome !== 'failed') return { name, outcome, text };
  const { kind, cause, remedy, fix } = check;
  return { name, outcome, text, kind, cause, remedy, fixable: fix !== undefined };
}

/** Returns 0 if no check has failed, otherwise the exit code for the first failure. */
export function doctorCode(checks: readonly Check[]): number {
  const first = checks.find((check) => check.outcome === 'failed');
  return first === undefined ? 0 : EXIT_CODES[first.kind];
}
