/** Writes the report of a smoke test in Markdown. */

/** @typedef {import('./steps.js').Result} Result */

/** A longer value would make a table unreadable, and may be a whole response. */
const LONGEST_VALUE = 2_000;

/**
 * @param {object} report
 * @param {string} report.title
 * @param {readonly (readonly [name: string, value: string])[]} report.about what was tested, and with what
 * @param {readonly Result[]} report.results
 * @param {(text: string) => string} report.hide hides the secrets in a text
 * @returns {string} Markdown
 */
export function reportText({ title, about, results, hide }) {
  const table = (headings, rows) => tableText(headings, rows, hide);
  const rows = results.map(({ title: step, outcome, seconds, reason }) => [
    step,
    outcome,
    seconds.toFixed(1),
    reason,
  ]);
  const details = results.filter(({ facts }) => facts.length > 0);
  return [
    `# ${title}`,
    table(['', ''], [...about, ['result', summaryOf(results)]]),
    table(['step', 'result', 'seconds', 'reason'], rows),
    ...details.flatMap(({ title: step, facts }) => [`## ${step}`, table(['what', 'value'], facts)]),
    '',
  ].join('\n\n');
}

/**
 * @param {readonly Result[]} results
 * @returns {string}
 */
export function summaryOf(results) {
  const count = (outcome) => results.filter((result) => result.outcome === outcome).length;
  return `${count('passed')} of ${results.length} steps passed, ${count('failed')} failed, ${count('not possible')} were not possible`;
}

/**
 * @param {readonly Result[]} results
 * @returns {boolean}
 */
export function hasPassed(results) {
  return results.length > 0 && results.every(({ outcome }) => outcome === 'passed');
}

function tableText(headings, rows, hide) {
  const lineOf = (cells) => `| ${cells.join(' | ')} |`;
  const texts = [headings, ...rows].map((cells) =>
    lineOf(cells.map((cell) => cellText(hide(cell)))),
  );
  texts.splice(1, 0, lineOf(headings.map(() => '---')));
  return texts.join('\n');
}

/**
 * A server chooses some of the values, so they must not contain Markdown or HTML. Secrets are hidden
 * before, because a secret that is cut or escaped would not be found.
 */
function cellText(value) {
  const line = value.replaceAll(/[\p{Control}\p{Format}\s]+/gu, ' ').trim();
  const short = line.length > LONGEST_VALUE ? `${line.slice(0, LONGEST_VALUE)} …` : line;
  return short.replaceAll(/[\\`*_[\]<>|&#~!]/g, '\\$&');
}
