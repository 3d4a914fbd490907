/** What `npm run test:nodes` runs on each version of Node.js. */
import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm run test:nodes -- [--demo] [--node VERSION]... [TEST...]

Runs all tests, or those in the files and folders TEST, on several versions of Node.js.

  --demo           run only the demo and the tests with known answers
  --node VERSION   a version, such as 22 or 22.1.0, instead of all; may be given more than once`;

/** Folders of tests that compare cryptography and handshakes with published answers. */
export const KNOWN_ANSWERS = ['test/crypto', 'test/wireguard/noise', 'test/wireguard/handshake'];

const JEST = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js'];

/**
 * @param {readonly string[]} words the command line
 * @param {readonly { version: string }[]} nodes the supported versions
 * @returns the chosen versions, and the steps to run on each of them
 * @throws TypeError for a wrong command line; the message is for users
 */
export function planOf(words, nodes) {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      demo: { type: 'boolean', default: false },
      node: { type: 'string', multiple: true },
    },
  });
  const { demo: isDemo, node: wanted } = values;
  if (isDemo && positionals.length > 0)
    throw new TypeError(`--demo chooses its own tests, so ${positionals[0]} has no effect`);
  for (const version of wanted ?? []) {
    if (nodes.some((node) => isVersion(node, version))) continue;
    const known = nodes.map((node) => node.version).join(', ');
    throw new TypeError(`--node must be one of ${known}, or the start of one, not ${version}`);
  }
  return {
    nodes: nodes.filter((node) => wanted?.some((version) => isVersion(node, version)) ?? true),
    steps: isDemo ? demoSteps() : [{ name: 'tests', words: [...JEST, ...positionals] }],
    needsExecutable: !isDemo,
  };
}

function isVersion({ version }, wanted) {
  return `${version}.`.startsWith(`${wanted}.`);
}

function demoSteps() {
  return [
    { name: 'demo', words: ['tools/demo.js'] },
    { name: 'known answers', words: [...JEST, ...KNOWN_ANSWERS] },
  ];
}
