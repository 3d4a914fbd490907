import { chosenLevel, configuredLogLevel } from '../../../src/cli/flags/log-flags.js';

it.each([
  [7, 'info'],
  [2, 'info'],
  [1, 'warn'],
  [0, 'warn'],
  [-1, 'warn'],
])('maps arc.json’s logLevel %d to %s', (logLevel, level) => {
  expect(configuredLogLevel(logLevel)).toBe(level);
});

it('uses the flag, otherwise the configuration, and logs only errors with --quiet', () => {
  expect(chosenLevel({ quiet: false }, 'info')).toBe('info');
  expect(chosenLevel({ quiet: false, 'log-level': 'debug' }, 'info')).toBe('debug');
  expect(chosenLevel({ quiet: true, 'log-level': 'debug' }, 'info')).toBe('error');
});
