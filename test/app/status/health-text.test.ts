import { healthText } from '../../../src/app/status/health-text.js';

it('is one word if healthy, and otherwise the problem', () => {
  expect(healthText({ health: 'up', silence: undefined })).toBe('up');
  const rival = { why: 'it takes the session', lastSeenUnix: 1 };
  const text = 'up: another tunnel is using this virtual SIM: it takes the session';
  expect(healthText({ health: 'up', silence: undefined, rival })).toBe(text);
  const silence = { reason: 'no-answer', why: 'it has not answered' } as const;
  expect(healthText({ health: 'stale', silence, rival })).toBe('stale: it has not answered');
});
