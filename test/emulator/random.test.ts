import { randomBytes, randomHex, randomUuid } from '../../src/emulator/random.js';
import { seededEntropy } from './fakes.js';

it('generates texts from the requested number of bytes', () => {
  const entropy = seededEntropy();
  expect(randomBytes(entropy, 5)).toHaveLength(5);
  expect(randomHex(entropy, 5)).toMatch(/^[0-9a-f]{10}$/);
  expect(randomUuid(entropy)).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
});
