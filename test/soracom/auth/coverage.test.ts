import { UserError } from '../../../src/lib/errors/user-error.js';
import { parseCoverage } from '../../../src/soracom/auth/coverage.js';

describe('parseCoverage', () => {
  it.each([
    ['g', 'g'],
    ['G', 'g'],
    ['Global', 'g'],
    ['jp', 'jp'],
    ['JAPAN', 'jp'],
    [' jp ', 'jp'],
  ])('%j is %s', (text, coverage) => {
    expect(parseCoverage(text)).toBe(coverage);
  });

  it.each(['', 'gl', 'global-typo', 'us', 'j'])('refuses %j', (text) => {
    expect(() => parseCoverage(text)).toThrow(UserError);
  });
});
