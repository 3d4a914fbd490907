import { harmless, harmlessLines } from '../../../src/lib/text/harmless-text.js';
import { cutToWidth, displayWidth, padToWidth } from '../../../src/cli/output/shown-text.js';
import { HARMFUL } from '../harmful.js';

describe('harmless', () => {
  it.each(HARMFUL)('removes everything from %j that a terminal interprets', (text) => {
    const shown = harmless(`a${text}b`);
    expect(shown).toMatch(/^a\ufffd.*b$/);
    expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  });

  it('removes half of a surrogate pair', () => {
    expect(harmless('\ud83d')).toBe('\ufffd');
  });

  it.each(['sensor 1', 'センサー', 'capteur n° 1 – Zürich', '🚀'])('does not change %s', (text) => {
    expect(harmless(text)).toBe(text);
  });
});

it('keeps line ends and tabs in text of several lines', () => {
  expect(harmlessLines('a\r\nb\tc\rd\u001b[2J\u0085e')).toBe('a\nb\tc\ufffdd\ufffd[2J\ufffde');
});

describe('widths', () => {
  it.each([
    ['abc', 3],
    ['センサー', 8],
    ['ｾﾝｻ', 3],
    ['🚀', 2],
    ['e\u0301', 1],
    ['❤\ufe0f', 2],
  ])('%s is %d columns wide', (text, columns) => {
    expect(displayWidth(text)).toBe(columns);
  });

  it.each([
    ['abcdef', 6, 'abcdef'],
    ['abcdef', 5, 'abcd…'],
    ['センサー', 7, 'センサ…'],
    ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'],
  ])('%s is cut to %d columns', (text, columns, cut) => {
    expect(cutToWidth(text, columns)).toBe(cut);
    expect(displayWidth(cutToWidth(text, columns))).toBeLessThanOrEqual(columns);
  });

  it('are padded with spaces', () => {
    expect(padToWidth('セン', 6)).toBe('セン  ');
    expect(padToWidth('abc', 2)).toBe('abc');
  });
});
