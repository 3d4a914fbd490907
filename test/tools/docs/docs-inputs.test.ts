/** The files that the code blocks of pages depend on. */
import { isInput } from '../../../tools/docs/docs-inputs.js';

it.each([
  ...['README.md', 'docs/guides/curl.md', 'src/index.ts', 'commands/up.ts', 'bin/run.js'],
  ...['tsconfig.json', 'tsconfig.build.json', 'jest.config.js', 'oclif.manifest.json'],
  ...['package-lock.json', 'schema/arc.schema.json', 'deploy/systemd/arctun.service'],
  ...['tools/bundle/bundles.js', 'test/docs/run-page.ts', 'test/support/until.ts'],
  ...['test/longest-first.js', 'a-new-file', 'a-new-folder/file'],
])('%s is an input', (path) => {
  expect(isInput(path)).toBe(true);
});

it.each(['test/proxy/relay.test.ts', 'test/index.test.ts', 'bench/tcp.js', 'tools/lint/idioms.js'])(
  '%s is not an input',
  (path) => {
    expect(isInput(path)).toBe(false);
  },
);
