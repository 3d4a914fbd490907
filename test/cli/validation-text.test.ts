import { validationText } from '../../src/cli/validation-text.js';

it('says valid of a configuration without warnings, and counts them otherwise', () => {
  const warning = { kind: 'warning', line: 1, text: 'a' } as const;
  const note = { kind: 'note', line: 2, text: 'b' } as const;
  expect(validationText([note])).toEqual({
    lines: ['Note: b'],
    verdict: 'valid\n',
    hasWarnings: false,
  });
  expect(validationText([warning, note])).toMatchObject({
    lines: ['Warning: a', 'Note: b'],
    verdict: 'valid, with 1 warning\n',
    hasWarnings: true,
  });
  expect(validationText([warning, warning]).verdict).toBe('valid, with 2 warnings\n');
});
