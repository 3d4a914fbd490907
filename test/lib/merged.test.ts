import { execFileSync } from 'node:child_process';

import { merged } from '../../src/lib/merged.js';
import { REPOSITORY } from '../support/processes.js';

it('returns the properties of both, and prefers those of the second', () => {
  const base = { a: 1, b: 2 };
  expect(merged(base, { b: 'x', c: 3 })).toEqual({ a: 1, b: 'x', c: 3 });
  expect(base).toEqual({ a: 1, b: 2 });
});

it('gives all results with the same properties one hidden class', () => {
  const program = `
    import { merged } from ${JSON.stringify(`${REPOSITORY}dist/src/lib/merged.js`)};
    const all = Array.from({ length: 500 }, (_, b) => merged({ a: 1 }, { b }));
    console.log(all.every((one) => %HaveSameMap(one, all[0])));`;
  const parameters = ['--allow-natives-syntax', '--input-type=module', '-e', program];
  expect(execFileSync(process.execPath, parameters, { encoding: 'utf8' })).toBe('true\n');
});
