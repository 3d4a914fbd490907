import { UserError } from '../../../src/lib/errors/user-error.js';
import { coverageEndpoint, parseCoverage } from '../../../src/soracom/auth/coverage.js';

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

it('knows the host of each coverage', () => {
  expect(coverageEndpoint('jp')).toBe('https://api.soracom.io');
  expect(coverageEndpoint('g')).toBe('https://g.api.soracom.io');
  expect(coverageEndpoint('jp', { sandbox: true })).toBe('https://api-sandbox.soracom.io');
  expect(coverageEndpoint('g', { sandbox: true })).toBe('https://g.api-sandbox.soracom.io');
  expect(coverageEndpoint('g', { sandbox: false })).toBe('https://g.api.soracom.io');
});
