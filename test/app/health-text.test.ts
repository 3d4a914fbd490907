import { healthText } from '../../src/app/health-text.js';

it('says in one word that all is well, and else what is wrong', () => {
  expect(healthText({ health: 'up', silence: undefined })).toBe('up');
  const silence = { reason: 'no-answer', why: 'it has not answered' } as const;
  expect(healthText({ health: 'stale', silence })).toBe('stale: it has not answered');
});
