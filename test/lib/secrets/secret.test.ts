import { inspect } from 'node:util';

import { Secret } from '../../../src/lib/secrets/secret.js';

it('is hidden by every kind of printing', () => {
  const secret = new Secret('hunter2');
  const shown = [
    String(secret),
    secret.toString(),
    JSON.stringify({ secret }),
    inspect(secret),
    inspect({ deep: { secret } }, { depth: 9, showHidden: true }),
    Object.values(secret).join(),
  ].join('\n');
  expect(shown).not.toContain('hunter2');
  expect(JSON.stringify({ secret })).toBe('{"secret":"<redacted>"}');
  expect(secret.expose()).toBe('hunter2');
});
