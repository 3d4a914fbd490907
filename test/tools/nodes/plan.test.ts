import { existsSync } from 'node:fs';

import { NODE_PACKAGES } from '../../../src/lambda/layer/node-release.js';
import { nodesFor } from '../../../tools/nodes/node-versions.js';
import { KNOWN_ANSWERS, planOf } from '../../../tools/nodes/plan.js';

const NODES = [{ version: '22.4.0' }, { version: '24.1.0' }, { version: '26.0.0' }];

it('runs all tests on each version', () => {
  const { nodes, steps, needsExecutable } = planOf([], NODES);
  expect(nodes).toEqual(NODES);
  expect(steps.map(({ name }) => name)).toEqual(['tests']);
  expect(steps[0]!.words.at(-1)).toBe('node_modules/jest/bin/jest.js');
  expect(needsExecutable).toBe(true);
});

it('runs only some tests on some versions', () => {
  const { nodes, steps } = planOf(['--node', '24', '--node', '26.0.0', 'test/proxy'], NODES);
  expect(nodes.map(({ version }) => version)).toEqual(['24.1.0', '26.0.0']);
  expect(steps[0]!.words.at(-1)).toBe('test/proxy');
});

it('runs the demo and the known answers with --demo', () => {
  const { steps, needsExecutable } = planOf(['--demo'], NODES);
  expect(steps.map(({ name }) => name)).toEqual(['demo', 'known answers']);
  expect(steps[0]!.words).toEqual(['tools/demo.js']);
  expect(steps[1]!.words).toEqual(expect.arrayContaining(KNOWN_ANSWERS));
  expect(needsExecutable).toBe(false);
  expect(KNOWN_ANSWERS.filter((folder) => !existsSync(folder))).toEqual([]);
});

it.each([
  [['--node', '2'], '--node must be one of 22.4.0, 24.1.0, 26.0.0'],
  [['--node', '25'], 'not 25'],
  [['--demo', 'test/proxy'], 'test/proxy has no effect'],
  [['--nodes'], '--nodes'],
])('refuses %j', (words, message) => {
  expect(() => planOf(words, NODES)).toThrow(message);
});

describe('the versions', () => {
  it.each(['x64', 'arm64'])('have a checksum on %s, and one of each line', (arch) => {
    const nodes = nodesFor(NODE_PACKAGES, 'linux', arch);
    expect(nodes.map(({ version }) => version.split('.')[0])).toEqual(['22', '24', '26']);
    for (const { integrity } of nodes) expect(integrity).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
    expect(new Set(nodes.map(({ integrity }) => integrity)).size).toBe(nodes.length);
  });

  it.each([
    ['darwin', 'arm64'],
    ['linux', 'arm'],
  ])('do not exist for %s on %s', (platform, arch) => {
    expect(() => nodesFor(NODE_PACKAGES, platform, arch)).toThrow('need Linux on x86_64 or arm64');
  });
});
