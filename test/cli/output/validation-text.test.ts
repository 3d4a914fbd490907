import { ArcConfigError } from '../../../src/arc-config/arc-config-error.js';
import {
  faultsValue,
  validationText,
  validationValue,
} from '../../../src/cli/output/validation-text.js';

it('prints "valid" for a configuration without warnings, and otherwise their number', () => {
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

it('returns both as JSON values', () => {
  const warning = { kind: 'warning', line: 1, text: 'a' } as const;
  const note = { kind: 'note', line: 2, text: 'b' } as const;
  expect(validationValue([warning, note])).toEqual({
    valid: true,
    errors: [],
    warnings: [{ line: 1, text: 'a' }],
    notes: [{ line: 2, text: 'b' }],
  });
  const fault = { line: 3, keyPath: 'mtu', found: '"x"', expected: 'an integer' };
  expect(faultsValue(new ArcConfigError('arc.json', [fault]))).toEqual({
    valid: false,
    errors: [fault],
    warnings: [],
    notes: [],
  });
  expect(faultsValue(new Error('other'))).toBeUndefined();
});
