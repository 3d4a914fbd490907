import {
  cutToWidth,
  displayWidth,
  harmless,
  padToWidth,
  renderHarmlessJson,
} from '../../src/cli/shown-text.js';

/** Cursor and colour sequences, their one-byte form, marks that turn the direction, line ends. */
const HARMFUL = [
  '\u001b[2J',
  '\u009b31m',
  '\u202e',
  '\u2066',
  '\u2028',
  '\r\n',
  '\t',
  '\u007f',
  '\0',
];

describe('harmless', () => {
  it.each(HARMFUL)('leaves nothing that a terminal obeys of %j', (text) => {
    const shown = harmless(`a${text}b`);
    expect(shown).toMatch(/^a\ufffd.*b$/);
    expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  });

  it('takes half a surrogate pair for none', () => {
    expect(harmless('\ud83d')).toBe('\ufffd');
  });

  it.each(['sensor 1', 'センサー', 'capteur n° 1 – Zürich', '🚀'])('leaves %s as it is', (text) => {
    expect(harmless(text)).toBe(text);
  });
});

describe('renderHarmlessJson', () => {
  it.each([...HARMFUL, '\ud83d', 'センサー', '\u{e0001}'])('loses nothing of %j', (text) => {
    const json = renderHarmlessJson([{ name: text }]);
    expect(JSON.parse(json)).toEqual([{ name: text }]);
    expect(json.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
    expect(json).toMatch(/^[^\n]*\n$/);
  });

  it('has null for what is not known', () => {
    expect(renderHarmlessJson({ a: undefined, b: { c: null }, d: false })).toBe(
      '{"a":null,"b":{"c":null},"d":false}\n',
    );
  });
});

describe('widths', () => {
  it.each([
    ['', 0],
    ['abc', 3],
    ['センサー', 8],
    ['ｾﾝｻ', 3],
    ['漢字', 4],
    ['한국', 4],
    ['Ａ', 2],
    ['🚀', 2],
    ['e\u0301', 1],
    ['❤\ufe0f', 2],
    ['…', 1],
  ])('%s takes %d columns', (text, columns) => {
    expect(displayWidth(text)).toBe(columns);
  });

  it.each([
    ['abcdef', 6, 'abcdef'],
    ['abcdef', 5, 'abcd…'],
    ['センサー', 8, 'センサー'],
    ['センサー', 7, 'センサ…'],
    ['センサー', 6, 'セン…'],
    ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'],
  ])('%s is cut to %d columns', (text, columns, cut) => {
    expect(cutToWidth(text, columns)).toBe(cut);
    expect(displayWidth(cutToWidth(text, columns))).toBeLessThanOrEqual(columns);
  });

  it('are filled up with blanks', () => {
    expect(padToWidth('セン', 6)).toBe('セン  ');
    expect(padToWidth('abc', 2)).toBe('abc');
  });
});
