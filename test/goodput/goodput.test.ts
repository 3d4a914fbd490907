import { readFileSync } from 'node:fs';
import { goodputDocument } from './document.js';

it('is what docs/tcp-goodput.md says; npm run goodput writes it anew', () => {
  expect(goodputDocument()).toBe(readFileSync('docs/tcp-goodput.md', 'utf8'));
});
