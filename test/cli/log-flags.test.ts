import { configuredLogLevel } from '../../src/cli/log-flags.js';

it.each([
  [7, 'info'],
  [2, 'info'],
  [1, 'warn'],
  [0, 'warn'],
  [-1, 'warn'],
])("takes arc.json's logLevel %d for %s", (logLevel, level) => {
  expect(configuredLogLevel(logLevel)).toBe(level);
});
