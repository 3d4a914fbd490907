/** Builds docs/explanation/wireguard-conformance.md: the rules of WireGuard and their tests. */
import { ROWS, testsOf, witnessedTestsOf } from './conformance.js';
import { byFile, fileList } from './tested-rules.js';

/**
 * Returns the unformatted document.
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
    const shown = rule.reason === undefined ? witnesses : 'not implemented: see below';
    return `| ${rule.name} | ${rule.subject} | ${cells.join(' | ')} | ${shown} |`;
  });
  return [
    '| row | subject | as initiator | as responder | witnessed by |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

/** Returns the foreign implementations without duplicates. */
function witnessesOf(conformance, name) {
  const all = witnessedTestsOf(conformance, name).flatMap(({ witnesses }) => witnesses);
  return [...new Set(all)].sort();
}

function section(rule, conformance, heading) {
  const { name, subject, sections, files, elsewhere, reason } = rule;
  const facts = [
    sections && `Whitepaper: ${sections}`,
    name === String(rule.row) ? '' : `Same rule as row ${rule.row}`,
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

const HEAD = `# WireGuard conformance

This page lists the rules that a WireGuard implementation must follow, from the whitepaper
(<https://www.wireguard.com/papers/wireguard.pdf>), the Linux kernel and wireguard-go. Each rule lists the section of the whitepaper,
the code, the tests, and the other implementations that have confirmed the behaviour (witnesses). If a rule is not implemented, the
page gives the reason. [Conformance](conformance.md) explains how to read this page.

\`npm run conformance\` generates this page from \`test/wireguard/conformance/rows.json\` and from the titles of the tests. A test
fails if the page is out of date.

| command | purpose |
| --- | --- |
| \`npm test\` | runs every test. Tests with other implementations need root, wireguard-go, and qemu for the kernel; a skipped test reports what is missing |
| \`npm run sim\` | runs two peers over a network that loses, delays, repeats and damages packets, for a day of virtual time; a seed reproduces a run |
| \`npm run fuzz\` | sends random and almost valid datagrams to a device; a seed reproduces a run |
| \`npm run mutate\` | changes the code wherever Stryker can; the unit tests must fail |
| \`npm run mutate:conformance\` | breaks each rule below on purpose (\`test/wireguard/conformance/mutations.json\`); its tests must fail |

Tests without a witness simulate both peers in virtual time, so they do not wait, and failures are reproducible. If a device cannot
send what a test needs, the other peer is \`test/wireguard/conformance/whitepaper.ts\`. It builds messages step by step as the
whitepaper defines them, and shares only the primitives with arctun's code. The primitives have their own known-answer tests.`;

const CHANGELOG_HEAD = `## The changelog of gotatun 0.7.2

gotatun is a fork of boringtun. Version 0.7.2 of its changelog
(<https://github.com/mullvad/gotatun/blob/main/CHANGELOG.md>) lists long-standing
bugs of boringtun, which other implementations may share.`;
