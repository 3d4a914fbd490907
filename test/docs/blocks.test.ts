import { missingLine, stepsOf } from './blocks.js';

const fence = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\`\n`;

describe('the blocks of a page', () => {
  it('are found in order, with line, language and text', () => {
    const page = `# Page\n\n${fence('sh', 'arctun version')}\n${fence('json', '{}')}`;
    expect(stepsOf(page)).toEqual([
      { kind: 'block', line: 3, language: 'sh', text: 'arctun version\n', exit: 0 },
      { kind: 'block', line: 7, language: 'json', text: '{}\n', exit: 0 },
    ]);
  });

  it('have the markers directly before them', () => {
    const page = [
      '<!-- terminal: one -->',
      fence('sh', 'arctun up'),
      '<!-- exit: 5 -->',
      '<!-- not run: needs AWS -->',
      '',
      fence('sh', 'false'),
      '<!-- file: a.json -->\n',
      fence('json', '{}'),
    ].join('\n');
    expect(stepsOf(page)).toMatchObject([
      { terminal: 'one', exit: 0 },
      { notRun: 'needs AWS', exit: 5 },
      { file: 'a.json', exit: 0 },
    ]);
  });

  it('are not run if they are the output of a block that is not run', () => {
    const page = ['<!-- not run: needs AWS -->', fence('sh', 'aws'), fence('text', 'ok')];
    const more = [fence('sh', 'true'), fence('text', 'ok')];
    const steps = stepsOf([...page, ...more].join('\n'));
    expect(steps.map((step) => 'notRun' in step)).toEqual([true, true, false, false]);
  });

  it('lose the indentation of their list', () => {
    const page = `1. First\n\n   <!-- exit: 1 -->\n\n   \`\`\`sh\n   if true; then\n     false\n   fi\n   \`\`\`\n`;
    expect(stepsOf(page)).toMatchObject([{ text: 'if true; then\n  false\nfi\n', exit: 1 }]);
  });

  it('can start fixtures anywhere on the page', () => {
    const page = `<!-- with: sim up -->\n\nSome words.\n\n${fence('sh', 'true')}`;
    expect(stepsOf(page)[0]).toEqual({ kind: 'with', line: 1, names: ['sim', 'up'] });
  });

  it.each([
    ['a fence without a language', fence('', 'x'), 'line 1: a block has no language'],
    ['an unknown marker', '<!-- termnal: one -->\n', 'line 1: unknown marker: termnal: one'],
    ['a marker before words', '<!-- exit: 1 -->\n\nWords.\n', 'line 3: a marker is not followed'],
    ['an empty reason', `<!-- not run: -->\n${fence('sh', 'x')}`, 'line 2: "not run" needs a'],
    ['an exit code in words', `<!-- exit: one -->\n${fence('sh', 'x')}`, '"exit" needs a number'],
  ])('%s is an error', (_what, page, problem) => {
    expect(() => stepsOf(page)).toThrow(problem);
  });

  it('may be next to comments that are not markers', () => {
    expect(stepsOf('<!-- usage -->\n\nText.\n\n<!-- /usage -->\n')).toEqual([]);
  });
});

describe('expected output', () => {
  const output = 'interface: soratun0\n  health: up \n  loss in: 2.5 %\n';

  it.each([
    ['all lines', output],
    ['some lines in order', 'interface: soratun0\n  loss in: 2.5 %\n'],
    ['a part of a line as …', 'interface: …\n…\n  loss in: … %\n'],
  ])('matches %s', (_what, expected) => {
    expect(missingLine(expected, output)).toBeUndefined();
  });

  it.each([
    ['a line that differs', 'interface: soratun1\n', 'interface: soratun1'],
    ['another order', '  health: up\ninterface: soratun0\n', 'interface: soratun0'],
    ['a part of a line without …', 'interface\n', 'interface'],
    ['a dot that stands for another character', '  loss in: 2x5 %\n', '  loss in: 2x5 %'],
  ])('does not match %s', (_what, expected, missing) => {
    expect(missingLine(expected, output)).toBe(missing);
  });
});
