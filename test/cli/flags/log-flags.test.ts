import { chosenLevel, configuredLogLevel } from '../../../src/cli/flags/log-flags.js';

it.each([
  [7, 'info'],
  [2, 'info'],
  [1, 'warn'],
  [0, 'warn'],
  [-1, 'warn'],
])("takes arc.json's logLevel %d for %s", (logLevel, level) => {
  expect(configuredLogLevel(logLevel)).toBe(level);
});

it('takes what is typed, else what is configured, and errors alone with --quiet', () => {
  expect(chosenLevel({ quiet: false }, 'info')).toBe('info');
  expect(chosenLevel({ quiet: false, 'log-level': 'debug' }, 'info')).toBe('debug');
  expect(chosenLevel({ quiet: true, 'log-level': 'debug' }, 'info')).toBe('error');
});
