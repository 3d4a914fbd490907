/** What both smoke tests have in common: asks the user, runs the steps and writes the report. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { confirm } from './confirm.js';
import { hasPassed, reportText, summaryOf } from './report.js';
import { runSteps } from './steps.js';
import { stopSignal } from './stop-signal.js';

/** How long this process may run after the report, in ms. */
const EXIT_LIMIT = 5_000;

/** Why the flags cannot be used. */
export class UsageError extends Error {}

/** Why a run cannot begin. */
export class RefusedError extends Error {
  /**
   * @param {string} why
   * @param {string} next what to do
   */
  constructor(why, next) {
    super(why);
    this.next = next;
  }
}

/**
 * @typedef {object} Run
 * @property {readonly import('./steps.js').Step[]} steps
 * @property {import('./redaction.js').Redaction} redaction
 * @property {() => [name: string, value: string][]} about what the steps tested, after them
 * @property {() => string | undefined} remains called if the run ends before it has cleaned up: deletes
 *   local secrets that are no longer needed, and returns what the user must do
 *
 * @typedef {{ workingFolder: string, startedAt: string, show: (text: string) => void }} Place
 */

/**
 * @template {{ help: boolean, yes: boolean }} Settings
 * @param {object} test
 * @param {string} test.name the name of the npm script after `smoke:`
 * @param {string} test.title of the report
 * @param {string} test.usage
 * @param {string} test.plan what the test creates, and what that costs
 * @param {string} test.question
 * @param {(words: readonly string[]) => Settings} test.readSettings throws UsageError
 * @param {(settings: Settings, place: Place) => Run} test.begin throws RefusedError
 * @returns {Promise<number>} the exit code
 */
export async function smokeTest(test) {
  ignoreLostMessages();
  const { name, usage, plan, question } = test;
  let settings;
  try {
    settings = test.readSettings(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return fail(
      2,
      `cannot use the flags: ${error.message}`,
      `Run: npm run smoke ${name} -- --help`,
    );
  }
  if (settings.help) {
    process.stdout.write(usage);
    return 0;
  }
  const stop = stopSignal();
  show(plan);
  if (!settings.yes) {
    if (!process.stdin.isTTY) {
      return fail(2, 'cannot ask for confirmation: no terminal', 'Add --yes to confirm.');
    }
    const isConfirmed = await confirm(question, stop.signal);
    if (!isConfirmed) return stop.exitCode ?? fail(1, 'nothing was created: you did not type yes');
  }
  try {
    return await runAndReport(test, settings, stop);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return fail(1, error.message, error.next);
  }
}

/**
 * Ignores that a message cannot be written, because the reader of the output, such as `tee`, has ended,
 * the terminal was closed, or the disk is full. Otherwise the message would end the process before the
 * steps that clean up.
 */
function ignoreLostMessages() {
  for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);
}

async function runAndReport({ name, title, begin }, settings, stop) {
  const started = new Date();
  const startedAt = started
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '-');
  const workingFolder = process.cwd();
  const run = begin(settings, { workingFolder, startedAt, show });
  stop.onSecond = () => {
    const remains = run.remains();
    if (remains !== undefined) show(remains);
  };
  const results = await runSteps(run.steps, { stop: stop.signal, onResult: showResult });
  const about = [['date', started.toISOString()], ...machine(), ...run.about()];
  const hide = (text) => run.redaction.apply(text);
  const path = join(workingFolder, `arctun-smoke-${name}-${startedAt}.md`);
  show(`\n${summaryOf(results)}.`);
  save(path, reportText({ title, about, results, hide }));
  // A step that did not end may have left a tunnel or a command.
  setTimeout(() => process.exit(), EXIT_LIMIT).unref();
  return stop.exitCode ?? (hasPassed(results) ? 0 : 1);
}

function save(path, text) {
  try {
    writeFileSync(path, text);
    show(`The report is ${path}. Secrets are hidden in it; read it before you share it.`);
  } catch (error) {
    show(
      `Error: cannot write the report: ${error.message}\n  The report follows on standard output.`,
    );
    process.stdout.write(text);
  }
}

function machine() {
  const packageJson = new URL('../../package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(packageJson, 'utf8'));
  return [
    ['arctun', version],
    ['Node.js', `${process.version}, ${process.platform} ${process.arch}`],
  ];
}

function showResult({ title, outcome, reason, seconds }) {
  show(`${outcome.padEnd(12)}  ${title} (${seconds.toFixed(1)} s)${reason && `: ${reason}`}`);
}

function show(text) {
  process.stderr.write(`${text}\n`);
}

/** @returns {number} the exit code */
function fail(code, what, next = '') {
  show(`Error: ${what}${next && `\n  ${next}`}`);
  return code;
}
