import { isCredentialVariable } from '../../../src/lib/secrets/credential-variables.js';

const KEY = 'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=';
const ARC_JSON = JSON.stringify({ privateKey: KEY });

it.each([
  ['ARCTUN_AUTH_KEY', 'secret-x'],
  ['ARCTUN_AUTH_KEY_ID', 'keyId-x'],
  ['ARCTUN_AUTH_KEY_FILE', '/home/me/key'],
  ['SORACOM_AUTH_KEY', 'secret-x'],
  ['SORACOM_AUTH_KEY_ID', 'keyId-x'],
  ['arctun_auth_key', 'secret-x'],
  ['SORACOM_API_TOKEN', 'x'],
  ['SORACOM_PASSWORD', 'x'],
  ['ARCTUN_CONFIG', ARC_JSON],
  ['ARCTUN_CONFIG', Buffer.from(ARC_JSON).toString('base64')],
  ['ARCTUN_CONFIG', ARC_JSON.slice(1)],
  ['ARCTUN_CONFIG', `'${ARC_JSON}'`],
  ['ARCTUN_FORWARD_TO', KEY],
])('is a credential: %s=%s', (name, value) => {
  expect(isCredentialVariable(name, value)).toBe(true);
});

it.each([
  ['ARCTUN_CONFIG', '/etc/secret-volume/arc.json'],
  ['ARCTUN_LOG_LEVEL', 'debug'],
  ['ARCTUN_ENDPOINT', 'https://api.soracom.io'],
  ['ARCTUN_FORWARD_TO', 'http://unified.soracom.io'],
  ['ARCTUN_ADDITIONAL_ALLOWED_IPS', '10.0.0.0/8, 10.1.0.0/16'],
  ['SORACOM_PROFILE', 'work'],
  ['SORACOM_PROFILE_DIR', '/home/me/.soracom'],
  ['PATH', '/bin'],
  ['PWD', '/'],
  // A credential of another program, which a command of arc.json may run.
  ['AWS_SECRET_ACCESS_KEY', 'x'],
])('is not a credential: %s=%s', (name, value) => {
  expect(isCredentialVariable(name, value)).toBe(false);
});
