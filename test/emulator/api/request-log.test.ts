import { hideCredentials, RequestLog } from '../../../src/emulator/api/request-log.js';

it('hides only the headers that carry credentials', () => {
  const headers = {
    authorization: 'a',
    cookie: 'b',
    'x-soracom-api-key': 'c',
    'x-soracom-token': 'd',
    'user-agent': 'e',
  };
  expect(hideCredentials(headers)).toEqual({
    authorization: '<redacted>',
    cookie: '<redacted>',
    'x-soracom-api-key': '<redacted>',
    'x-soracom-token': '<redacted>',
    'user-agent': 'e',
  });
  expect(headers.cookie).toBe('b');
  expect(hideCredentials({ 'x-api-secret': 'f', via: 'secret-abc' })).toEqual({
    'x-api-secret': '<redacted>',
    via: '<redacted>',
  });
  expect(hideCredentials({})).toEqual({});
});

it('keeps the newest thousand calls', () => {
  const log = new RequestLog();
  for (let count = 0; count <= 1000; count++) {
    log.add({ at: '', method: 'GET', path: `/${count}`, headers: {}, status: 200 });
  }
  expect(log.all()).toHaveLength(1000);
  expect([log.all()[0]!.path, log.all().at(-1)!.path]).toEqual(['/1', '/1000']);
});
