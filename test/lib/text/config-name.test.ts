import {
  commandFor,
  correctionOf,
  INLINE_CONFIG,
  STANDARD_INPUT,
} from '../../../src/lib/text/config-name.js';

it.each<[string | undefined, string]>([
  [undefined, 'arctun sim show'],
  ['arc.json', 'arctun sim show'],
  ['/etc/arc/van.json', 'arctun sim show --config /etc/arc/van.json'],
  ['my van.json', "arctun sim show --config 'my van.json'"],
  ["van's.json", String.raw`arctun sim show --config 'van'\''s.json'`],
  ['~/arc.json', "arctun sim show --config '~/arc.json'"],
])('suggests a command for the configuration %j', (path, command) => {
  expect(commandFor('sim show', path)).toBe(command);
});

it.each<[string, string]>([
  ['arc.json', 'Correct the file, then check it with `arctun config validate`.'],
  ['van.json', 'Correct the file, then check it with `arctun config validate --config van.json`.'],
  [
    INLINE_CONFIG,
    'Correct the value of --config or ARCTUN_CONFIG, then check it with `arctun config validate`.',
  ],
  [STANDARD_INPUT, 'Correct the input, then check it with `arctun config validate -`.'],
])('advises how to correct %s', (source, advice) => {
  expect(correctionOf(source)).toBe(advice);
});
