/**
 * The requirements for TCP and the IP below it, and the tests that check the requirements, for
 * write-conformance.js and the test suite. The title of a test or its group names the requirements
 * by their rows:
 *
 *     … (MUST-58, MUST-59)     … (RFC 8985 7.3)     … (tcp_zero_window_probe)
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { byFile, fileList, missingOf, readJson, testFiles } from './tested-rules.js';

const DATA = 'test/netstack/conformance';

/** A string literal that ends with a space and parentheses. */
const LITERAL = /(['"`])((?:\\.|(?!\1)[^\\\n])*? \(([^()\n]*)\))\1/g;

/** A name that always belongs to a row. */
const ROW_ONLY = /^(?:(?:MUST|SHLD|REC)-\d+|(?:tcp|udp|icmpv[46]|ipv[46])_[a-z0-9_]+)$/;

/**
 * @typedef {object} Title
 * @property {string} file
 * @property {string} title the title without its names
 * @property {string[]} names
 */

/**
 * @typedef {object} Requirement
 * @property {string} name `MUST-58`, `RFC 8985 7.3` or `tcp_rack`
 * @property {string | undefined} section the section, if the name does not contain it
 * @property {string} rule
 * @property {string[]} files the files that implement the requirement
 * @property {{file: string, title: string}[]} elsewhere tests that check it under other names
 * @property {string | undefined} deviation how and why the implementation differs
 * @property {string | undefined} notApplicable why no implementation is needed
 */

/**
 * @typedef {object} Source
 * @property {string} title
 * @property {string} about
 * @property {Requirement[]} rows
 */

/**
 * Reads the conformance data under `root`.
 *
 * @param {string} root
 * @returns {{root: string, sources: Source[], titles: Title[]}}
 */
export function readTcpConformance(root) {
  const sources = readdirSync(join(root, DATA))
    .filter((name) => name.endsWith('.json'))
    .sort()
    .flatMap((name) => readJson(root, `${DATA}/${name}`));
  const files = ['netstack', 'tunnel', 'wire'].flatMap((folder) =>
    testFiles(root, `test/${folder}`),
  );
  return {
    root,
    sources: sources.map(({ title, about, rows }) => ({ title, about, rows: rows.map(rowOf) })),
    titles: files.flatMap((file) => namesIn(file, readFileSync(join(root, file), 'utf8'))),
  };
}

function rowOf({ files = [], elsewhere = [], ...rest }) {
  return { ...rest, files, elsewhere };
}

/**
 * Returns the titles in a test file's source that end with names, in order. Other parentheses, and
 * section numbers without a row, are part of the title.
 *
 * @param {string} file
 * @param {string} text
 * @returns {Title[]}
 */
export function namesIn(file, text) {
  return [...text.matchAll(LITERAL)].map(([, , literal, names]) => ({
    file,
    title: literal
      .slice(0, literal.length - names.length - 2)
      .replaceAll(/\\(.)/g, '$1')
      .trim(),
    names: names.split(/[,;] | and /),
  }));
}

/**
 * Returns the tests that check a requirement, found by their names and through its row.
 *
 * @param {{titles: Title[]}} conformance
 * @param {{name: string, elsewhere: {file: string, title: string}[]}} row
 * @returns {{file: string, title: string}[]}
 */
export function testsHolding({ titles }, { name, elsewhere }) {
  return [...titles.filter(({ names }) => names.includes(name)), ...elsewhere];
}

/**
 * Lists problems: a requirement without a test or a reason, a name without a row, and a file or
 * title in a row that does not exist.
 *
 * @returns {string[]}
 */
export function tcpProblemsOf(conformance) {
  const rows = conformance.sources.flatMap((source) => source.rows);
  const known = new Set(rows.map(({ name }) => name));
  return [
    ...rows.flatMap((row, index) =>
      rows.findIndex(({ name }) => name === row.name) === index
        ? []
        : [`${row.name}: occurs twice`],
    ),
    ...conformance.titles.flatMap(({ file, title, names }) =>
      names
        .filter((name) => ROW_ONLY.test(name) && !known.has(name))
        .map((name) => `${file}: "${title}" names ${name}, which is not a row`),
    ),
    ...rows.flatMap((row) => rowProblems(row, conformance)),
  ];
}

function rowProblems(row, conformance) {
  const { name, deviation, notApplicable } = row;
  const problems = missingOf(conformance.root, row);
  const hasReason = deviation !== undefined || notApplicable !== undefined;
  if (!hasReason && testsHolding(conformance, row).length === 0) {
    problems.push(`${name}: neither a test nor a reason`);
  }
  return problems;
}

/**
 * Returns the unformatted document.
 *
 * @returns {string}
 */
export function tcpConformanceDocument(conformance) {
  const { sources } = conformance;
  return [
    HEAD,
    '## At a glance',
    overview(conformance),
    '## Deviations',
    'Each requirement from which arctun deviates, with the reason. The code and the tests are listed below, by source.',
    sources
      .flatMap(({ rows }) => rows.filter(({ deviation }) => deviation).map(deviationItem))
      .join('\n'),
    ...sources.flatMap(({ title, about, rows }) => [
      `## ${title}`,
      ...(about ? [about] : []),
      rows.map((row) => item(row, conformance)).join('\n'),
    ]),
  ].join('\n\n');
}

function overview(conformance) {
  const lines = conformance.sources.map(({ title, rows }) => {
    const held = rows.filter((row) => testsHolding(conformance, row).length > 0).length;
    const deviations = rows.filter(({ deviation }) => deviation).length;
    const absent = rows.filter(({ notApplicable }) => notApplicable).length;
    return `| ${title} | ${rows.length} | ${held} | ${deviations} | ${absent} |`;
  });
  return [
    '| source | requirements | with tests | deviations | do not apply |',
    '| --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}

function deviationItem({ name, rule, deviation }) {
  return `- **${name}**: ${rule} **Deviation:** ${deviation}`;
}

function item(row, conformance) {
  const { name, section, rule, files, deviation, notApplicable } = row;
  const head = `- **${name}**${section ? ` (${section})` : ''}: ${rule}`;
  const where = fileList(files);
  const facts = [
    where && `Code: ${where}`,
    deviation && `**Deviation:** ${deviation}`,
    notApplicable && `**Does not apply:** ${notApplicable}`,
    ...byFile(testsHolding(conformance, row)).map(heldIn),
  ];
  return [head, ...facts.filter((fact) => fact).map((fact) => `  - ${fact}`)].join('\n');
}

/** Lists the tests of a file, without repeated titles. */
function heldIn([file, tests]) {
  const titles = [...new Set(tests.map(({ title }) => `“${escaped(title)}”`))];
  return `\`${file}\`: ${titles.join(', ')}`;
}

/**
 * Escapes a title for Markdown. `%s` and similar strings are jest's placeholders for table cases.
 */
function escaped(title) {
  return title.replaceAll(/[\\_*<[\]`]/g, '\\$&');
}

const HEAD = `# TCP and IP conformance

This page summarizes each MUST and SHOULD of the RFCs that applies to a TCP host and to the IP layer below it, and lists the code and
the tests. Names such as MUST-58 are from RFC 9293, appendix B. Deviations and rules that do not apply have a reason. A MAY is listed
only if a reader might look for it. [Conformance](conformance.md) explains how to read this page.

\`npm run conformance\` generates this page from \`test/netstack/conformance/\` and from the titles of the tests. A test fails if the
page is out of date, if a requirement has neither a test nor a reason, or if a title names a requirement that is not listed.`;
