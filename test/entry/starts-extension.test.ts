import { startsExtension } from '../../src/entry/starts-extension.js';

const API = { AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001' };

it.each([
  ['/opt/extensions/arctun', [], API, true],
  ['/opt/extensions/arctun', [], {}, false],
  ['/opt/extensions/arctun', [], { AWS_LAMBDA_RUNTIME_API: '' }, false],
  ['/opt/bin/arctun', [], API, false],
  ['/opt/extensions/arctun/arctun', [], API, false],
  ['/opt/extensions/arctun', ['--help'], API, false],
  ['arctun', ['lambda'], {}, false],
  ['arctun', ['lambda'], API, true],
  ['arctun', ['lambda', '--help'], API, false],
  ['arctun', [], API, false],
])('%s %j with %j: %s', (argv0, words, env, is) => {
  expect(startsExtension({ argv0, words, env })).toBe(is);
});
