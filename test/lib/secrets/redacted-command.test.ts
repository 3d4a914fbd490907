import { redactCommand } from '../../../src/lib/secrets/redacted-command.js';

const KEY = 'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=';

it.each([
  [
    ['curl', '-H', 'X-Soracom-Token: opaque', '-H', 'X-Soracom-API-Key: x', 'https://a.example'],
    [
      'curl',
      '-H',
      'X-Soracom-Token: <redacted>',
      '-H',
      'X-Soracom-API-Key: <redacted>',
      'https://a.example',
    ],
  ],
  [
    ['curl', '-H', 'Authorization: Bearer opaque'],
    ['curl', '-H', 'Authorization: Bearer <redacted>'],
  ],
  [
    ['curl', 'https://user:word@a.example/'],
    ['curl', 'https://<redacted>@a.example/'],
  ],
  [
    ['notify', '--token', 'opaque', '-v'],
    ['notify', '--token', '<redacted>', '-v'],
  ],
  [
    ['notify', '--password=opaque'],
    ['notify', '--password=<redacted>'],
  ],
  [
    ['env', 'API_TOKEN=opaque', 'x'],
    ['env', 'API_TOKEN=<redacted>', 'x'],
  ],
  [
    ['sh', '-c', 'login --password opaque; true'],
    ['sh', '-c', 'login --password <redacted>; true'],
  ],
  [
    ['curl', '-d', '{"authKey":"opaque","a":1}'],
    ['curl', '-d', '{"authKey":"<redacted>","a":1}'],
  ],
  [
    ['wg', 'set', '%i', KEY],
    ['wg', 'set', '%i', '<redacted>'],
  ],
  [
    ['send', 'secret-Zq3vY8kLmN5tRw2XbP7c'],
    ['send', '<redacted>'],
  ],
  [
    ['send', Buffer.from(`{"k":"${KEY}"}`).toString('base64')],
    ['send', '<redacted>=='],
  ],
])('hides the secrets of %j', (command, shown) => {
  expect(redactCommand(command)).toEqual(shown);
});

it.each([
  [['logger', '-t', 'arc', '%i is up']],
  [['iptables', '-A', 'FORWARD', '-i', '%i', '-j', 'ACCEPT']],
  [['sh', '-c', 'ip route add 10.0.0.0/8 dev %i || true']],
  [['curl', '-d', 'state=up', 'http://127.0.0.1:8080/hook?state=up']],
  [['/usr/local/bin/check', '--public-key', '1']],
])('shows %j unchanged', (command) => {
  expect(redactCommand(command)).toEqual(command);
});
