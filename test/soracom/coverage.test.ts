import { UserError } from '../../src/lib/user-error.js';
import {
  coverageEndpoint,
  parseCoverage,
  parseEndpointUrl,
  resolveEndpoint,
} from '../../src/soracom/coverage.js';

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
});

describe('resolveEndpoint', () => {
  const env = { ARCTUN_ENDPOINT: 'https://arctun.example', SORACOM_ENDPOINT: 'https://s.example' };

  it('takes the flag, then ARCTUN_ENDPOINT, then SORACOM_ENDPOINT, then the coverage', () => {
    const chosen = { endpoint: 'https://flag.example/', coverage: 'jp' };
    expect(resolveEndpoint(chosen, env)).toBe('https://flag.example');
    expect(resolveEndpoint({ coverage: 'jp' }, env)).toBe('https://arctun.example');
    const soracom = { ...env, ARCTUN_ENDPOINT: '' };
    expect(resolveEndpoint({ coverage: 'jp' }, soracom)).toBe('https://s.example');
    expect(resolveEndpoint({ coverage: 'g' }, {})).toBe('https://g.api.soracom.io');
    expect(resolveEndpoint({ endpoint: '', coverage: '' }, {})).toBeUndefined();
  });
});

describe('parseEndpointUrl', () => {
  it('trims slashes and keeps a path', () => {
    expect(parseEndpointUrl('http://127.0.0.1:8080/base//')).toBe('http://127.0.0.1:8080/base');
  });

  it.each(['api.soracom.io', 'ftp://x', 'https://user:pw@x', 'https://x?a', 'https://x#a', ''])(
    'refuses %j without repeating it',
    (text) => {
      expect(() => parseEndpointUrl(text)).toThrow('it is no http or https URL');
    },
  );
});
