/** docs/explanation/wireguard-conformance.md: the rules of WireGuard, and the tests that hold them. */
import { ROWS, testsOf, witnessedTestsOf } from './conformance.js';
import { byFile, fileList } from './tested-rules.js';

/**
 * The document, before it is formatted.
 *
 * @returns {string}
 */
export function conformanceDocument(conformance) {
  const { rules } = conformance;
  const isRow = ({ name }) => ROWS.includes(name);
  return [
    HEAD,
    '## At a glance',
    overview(conformance),
    '## The rules',
    ...rules.filter(isRow).map((rule) => section(rule, conformance, `Row ${rule.name}`)),
    CHANGELOG_HEAD,
    ...rules
      .filter((rule) => !isRow(rule))
      .map((rule) => section(rule, conformance, `Line ${rule.name}`)),
  ].join('\n\n');
}

function overview(conformance) {
  const rows = conformance.rules.map((rule) => {
    const tests = testsOf(conformance, rule.name);
    const count = (role) => tests.filter(({ roles }) => roles.includes(role)).length;
    const cells =
      rule.roles.length === 0
        ? [tests.length || '', '']
        : ['initiator', 'responder'].map((role) => count(role) || '–');
    const witnesses = witnessesOf(conformance, rule.name).join(', ');
    const shown = rule.reason === undefined ? witnesses : 'not done: see below';
    return `| ${rule.name} | ${rule.subject} | ${cells.join(' | ')} | ${shown} |`;
  });
  return [
    '| row | subject | as initiator | as responder | witnessed by |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

/** Foreign implementations, each once. */
function witnessesOf(conformance, name) {
  const all = witnessedTestsOf(conformance, name).flatMap(({ witnesses }) => witnesses);
  return [...new Set(all)].sort();
}

function section(rule, conformance, heading) {
  const { name, subject, sections, files, elsewhere, reason } = rule;
  const facts = [
    sections && `Whitepaper: ${sections}`,
    name === String(rule.row) ? '' : `The rule is that of row ${rule.row}`,
    files.length > 0 && `Code: ${fileList(files)}`,
    reason && `**${reason}**`,
    list('Tests', [...testsOf(conformance, name), ...elsewhere]),
    list(
      `Witnessed by ${witnessesOf(conformance, name).join(', ')}`,
      witnessedTestsOf(conformance, name),
    ),
  ];
  const lines = facts.filter((fact) => fact).map((fact) => `- ${fact}`);
  return [`### ${heading}: ${subject}`, rule.rule, lines.join('\n')].join('\n\n');
}

/** Tests under their files. */
function list(what, tests) {
  if (tests.length === 0) return '';
  const items = byFile(tests).flatMap(([file, ofFile]) => [
    `  - \`${file}\``,
    ...ofFile.map((test) => `    - ${titleText(test)}`),
  ]);
  return [`${what}:`, ...items].join('\n');
}

function titleText({ title, roles = [] }) {
  return roles.length === 0 ? title : `${title} *(${roles.join(', ')})*`;
}

const HEAD = `# WireGuard: each rule, and what holds it

This page lists the rules that a WireGuard implementation has to keep, as the whitepaper
(<https://www.wireguard.com/papers/wireguard.pdf>), the Linux kernel and wireguard-go keep them. Under
each rule stand the section of the whitepaper, the files in which we do it, the tests that hold it, and
the foreign implementations that have seen us keep it. What we do not do says so, and why.

The page is generated from \`test/wireguard/conformance/rows.json\` and from the titles of the tests, by
\`npm run conformance\`; a test fails where it is out of date.

| command | does |
| --- | --- |
| \`npm test\` | runs every test; those with foreign peers need root, wireguard-go, and for the kernel qemu, and tell what is missing where they are skipped |
| \`npm run sim\` | two peers and a network that loses, delays, repeats and damages, for a day of virtual time; a seed repeats a run |
| \`npm run fuzz\` | random and almost valid datagrams against a device; a seed repeats a run |
| \`npm run mutate\` | changes the code in every place that Stryker knows; the unit tests have to fail |
| \`npm run mutate:conformance\` | breaks each rule below on purpose, by the list in \`test/wireguard/conformance/mutations.json\`; its tests have to fail |

The tests of this page that name no witness play both peers in virtual time: nothing in them waits, and
a failure repeats. Where a device could not be made to send what a test needs, the other peer is
\`test/wireguard/conformance/whitepaper.ts\`, which makes the messages step by step as the whitepaper
writes them and shares nothing with our code but the primitives, which have known answers of their own.`;

const CHANGELOG_HEAD = `## The changelog of gotatun 0.7.2

gotatun is a fork of boringtun. Version 0.7.2 of its changelog
(<https://github.com/mullvad/gotatun/blob/main/CHANGELOG.md>) lists what its ancestor had got wrong for
years: a list of what is easily got wrong.`;
