/**
 * The rules of WireGuard, the tests that check the rules, and the mutations that those tests must
 * detect, for write-conformance.js, mutate-conformance.js and the test suite. A test's title names
 * its rules:
 *
 *     … (row 5, initiator)          … (rows 5 and 12, both roles)
 *     … (gotatun 0.7.2 c)           … (rows 1, 12; witnesses Linux kernel and wireguard-go)
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { missingOf, readJson, testFiles } from './tested-rules.js';

const DATA = 'test/wireguard/conformance';
export const ROWS = Array.from({ length: 38 }, (_, index) => String(index + 1));
const LINES = [...'abcdefghi'];

/** A string literal that ends with a space and a tag. */
const LITERAL =
  /(['"`])((?:\\.|(?!\1)[^\\\n])* \((?:rows?|gotatun 0\.7\.2) (?:\\.|(?!\1)[^\\\n()])*\))\1/g;

const NUMBERS = '[0-9a-z]+(?:(?:, | and )[0-9a-z]+)*?';
const ROLE = 'initiator|responder|both roles';
const TAG = new RegExp(
  `\\((rows?|gotatun 0\\.7\\.2) (${NUMBERS})(?:, (${ROLE}))?(?:; witness(?:es)? ([^()]+))?\\)$`,
);

/**
 * @typedef {object} Title
 * @property {string} file
 * @property {string} title without its tag
 * @property {boolean} isReadable whether the tag has one of the forms above
 * @property {string[]} names rows or lines of the changelog
 * @property {string[]} roles
 * @property {string[]} witnesses the foreign implementations
 */

/**
 * @typedef {object} Rule
 * @property {string} name `5` for a row, `c` for a changelog line
 * @property {number} row the row's number; for a changelog line, the row with the same rule
 * @property {string} subject
 * @property {string} rule
 * @property {string} sections the sections of the whitepaper
 * @property {string[]} files the files that implement the rule
 * @property {string[]} roles the roles to which the rule applies
 * @property {{file: string, title: string}[]} elsewhere other tests that check the rule
 * @property {string | undefined} reason why the rule is not implemented
 */

/**
 * @typedef {object} Mutation
 * @property {string} name the rule's name
 * @property {string} file
 * @property {string} find a string that occurs exactly once in the file
 * @property {string} replace
 * @property {string} test the file whose tests of the rule must fail
 */

/**
 * Reads the conformance data under `root`.
 *
 * @param {string} root
 * @returns {{root: string, rules: Rule[], titles: Title[], mutations: Mutation[]}}
 */
export function readConformance(root) {
  const data = readJson(root, `${DATA}/rows.json`);
  const { mutations } = readJson(root, `${DATA}/mutations.json`);
  return {
    root,
    rules: [...data.rows, ...data.changelog].map(ruleOf),
    titles: testFiles(root, 'test').flatMap((file) =>
      titlesIn(file, readFileSync(join(root, file), 'utf8')),
    ),
    mutations: mutations.map(mutationOf),
  };
}

/**
 * Returns the tagged titles in a test file's source, in order.
 *
 * @param {string} file
 * @param {string} text
 * @returns {Title[]}
 */
export function titlesIn(file, text) {
  return [...text.matchAll(LITERAL)].map(([, , literal]) => {
    const whole = literal.replaceAll(/\\(.)/g, '$1');
    const [tag, kind, numbers, role, witnesses] = TAG.exec(whole) ?? [];
    const roles = role === 'both roles' ? ['initiator', 'responder'] : [role ?? []].flat();
    // Only the row of a foreign peer has no role.
    const isRow = kind !== 'gotatun 0.7.2';
    const isReadable = tag !== undefined && (!isRow || roles.length > 0 || witnesses !== undefined);
    return {
      file,
      title: whole.slice(0, whole.length - (isReadable ? tag.length : 0)).trim(),
      isReadable,
      names: split(numbers),
      roles,
      witnesses: split(witnesses),
    };
  });
}

function split(text) {
  return text === undefined ? [] : text.split(/, | and /);
}

function ruleOf({ row, line, roles = [], elsewhere = [], reason, ...rest }) {
  return { ...rest, name: line ?? String(row), row, roles, elsewhere, reason };
}

function mutationOf({ row, line, ...rest }) {
  return { ...rest, name: line ?? String(row) };
}

/**
 * Returns the tests that check a rule without a foreign implementation.
 *
 * @param {{titles: Title[]}} conformance
 * @param {string} name
 */
export function testsOf({ titles }, name) {
  return titles.filter(({ names, witnesses }) => names.includes(name) && witnesses.length === 0);
}

/**
 * Returns the tests in which a foreign implementation confirms a rule.
 *
 * @param {{titles: Title[]}} conformance
 * @param {string} name
 */
export function witnessedTestsOf({ titles }, name) {
  return titles.filter(({ names, witnesses }) => names.includes(name) && witnesses.length > 0);
}

/** Returns the pattern for jest's `-t` that selects only the tests of one rule. */
export function titlePattern(name) {
  if (LINES.includes(name)) return `\\(gotatun 0\\.7\\.2 ${name}\\)$`;
  return `\\(rows? (\\d+(, | and ))*${name}\\b[^()]*\\)$`;
}

/**
 * Lists problems: a rule without a mutation, or without a reason or tests in all its roles; and a
 * title, file or string that the data contains but that does not exist.
 *
 * @returns {string[]}
 */
export function problemsOf(conformance) {
  const { rules, titles, mutations } = conformance;
  const names = rules.map(({ name }) => name);
  const isComplete = names.join() === [...ROWS, ...LINES].join();
  return [
    ...(isComplete
      ? []
      : ['rows.json: the rows are 1 to 38, and the lines of the changelog a to i']),
    ...titles.flatMap((title) => titleProblems(title, names)),
    ...rules.flatMap((rule) => ruleProblems(rule, conformance)),
    ...mutations.flatMap((mutation) => mutationProblems(mutation, conformance)),
  ];
}

function titleProblems({ file, title, isReadable, names }, known) {
  if (!isReadable) return [`${file}: the end of "${title}" cannot be parsed`];
  const unknown = names.filter((name) => !known.includes(name));
  return unknown.map((name) => `${file}: "${title}" names ${name}, which is not a row`);
}

function ruleProblems(rule, conformance) {
  const { name, roles, reason } = rule;
  const { root, mutations } = conformance;
  const problems = missingOf(root, rule);
  if (reason !== undefined) return problems;
  const tests = testsOf(conformance, name);
  if (tests.length === 0) problems.push(`${name}: neither a test nor a reason`);
  for (const role of roles) {
    if (!tests.some((test) => test.roles.includes(role)))
      problems.push(`${name}: no test as ${role}`);
  }
  if (!mutations.some((mutation) => mutation.name === name)) problems.push(`${name}: no mutation`);
  return problems;
}

function mutationProblems({ name, file, find, replace, test }, conformance) {
  const rule = conformance.rules.find((candidate) => candidate.name === name);
  const where = `mutations.json, ${name}, ${file}`;
  if (rule === undefined) return [`${where}: the row does not exist`];
  const problems = [];
  if (!rule.files.includes(file)) problems.push(`${where}: the row does not name this file`);
  const path = join(conformance.root, file);
  const found = existsSync(path) ? readFileSync(path, 'utf8').split(find).length - 1 : 0;
  if (found !== 1) problems.push(`${where}: ${JSON.stringify(find)} occurs ${found} times`);
  if (find === replace) problems.push(`${where}: the mutation changes nothing`);
  const isHeld = testsOf(conformance, name).some((title) => title.file === test);
  if (!isHeld) problems.push(`${where}: ${test} has no test of the row`);
  return problems;
}
