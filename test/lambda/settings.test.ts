import { readSettings } from '../../src/lambda/settings.js';

const settingsOf = (env: Record<string, string>) => readSettings(env).settings;
const faultOf = (env: Record<string, string>) => readSettings(env).fault;

it('has defaults for all', () => {
  expect(readSettings({})).toEqual({
    settings: {
      port: 8080,
      wait: 3000,
      onFailure: 'degrade',
      target: { host: '100.127.69.42', port: 80 },
      browsers: { hosts: [], origins: [] },
      logLevel: 'info',
      congestion: 'bbr',
      place: { kind: 'files', paths: ['/var/task/arc.json', '/opt/arctun/arc.json'] },
      taskRoot: '/var/task',
      initializationType: 'on-demand',
    },
    fault: undefined,
  });
});

it('treats an empty variable as unset', () => {
  const names = ['CONFIG', 'CONFIG_SECRET', 'CONFIG_PARAMETER', 'FORWARD_TO', 'LOG_LEVEL'];
  const lambda = ['LAMBDA_PORT', 'LAMBDA_WAIT', 'LAMBDA_ON_FAILURE', 'CONGESTION'];
  const browsers = ['ALLOW_HOST', 'ALLOW_ORIGIN'];
  const env = Object.fromEntries(
    [...names, ...lambda, ...browsers].map((name) => [`ARCTUN_${name}`, '']),
  );
  expect(readSettings({ ...env, LAMBDA_TASK_ROOT: '' })).toEqual(readSettings({}));
});

it('reads each variable', () => {
  const env = {
    ARCTUN_LAMBDA_PORT: '18080',
    ARCTUN_LAMBDA_WAIT: '0.5',
    ARCTUN_LAMBDA_ON_FAILURE: 'fail',
    ARCTUN_FORWARD_TO: '10.0.0.1:8888',
    ARCTUN_ALLOW_HOST: 'sandbox.localdomain,other',
    ARCTUN_ALLOW_ORIGIN: 'https://app.example',
    ARCTUN_LOG_LEVEL: 'debug',
    ARCTUN_CONGESTION: 'reno',
    LAMBDA_TASK_ROOT: '/code',
  };
  expect(settingsOf(env)).toMatchObject({
    port: 18_080,
    wait: 500,
    onFailure: 'fail',
    target: { host: '10.0.0.1', port: 8888 },
    browsers: { hosts: ['sandbox.localdomain', 'other'], origins: ['https://app.example'] },
    logLevel: 'debug',
    congestion: 'reno',
    taskRoot: '/code',
    place: { kind: 'files', paths: ['/code/arc.json', '/opt/arctun/arc.json'] },
  });
});

it('looks for the configuration in only one place: the value, the secret, or the parameter', () => {
  const [ARCTUN_CONFIG, ARCTUN_CONFIG_SECRET, ARCTUN_CONFIG_PARAMETER] = ['a.json', 'b', '/c'];
  const parameter = { ARCTUN_CONFIG_PARAMETER };
  const secret = { ...parameter, ARCTUN_CONFIG_SECRET };
  expect(settingsOf(parameter).place).toEqual({ kind: 'parameter', name: '/c' });
  expect(settingsOf(secret).place).toEqual({ kind: 'secret', name: 'b' });
  const value = settingsOf({ ...secret, ARCTUN_CONFIG });
  expect(value.place).toEqual({ kind: 'value', value: 'a.json' });
});

it.each(['on-demand', 'provisioned-concurrency', 'snap-start', 'lambda-managed-instances'])(
  'reads %s',
  (type) => {
    const { initializationType } = settingsOf({ AWS_LAMBDA_INITIALIZATION_TYPE: type });
    expect(initializationType).toBe(type);
  },
);

it('treats an unknown initialization type as the default, or as managed by its marker', () => {
  const unknown = { AWS_LAMBDA_INITIALIZATION_TYPE: 'tomorrow' };
  expect(settingsOf(unknown).initializationType).toBe('on-demand');
  const managed = settingsOf({ ...unknown, AWS_LAMBDA_MAX_CONCURRENCY: '10' });
  expect(managed.initializationType).toBe('lambda-managed-instances');
});

describe('an invalid variable', () => {
  it.each([
    ['ARCTUN_LAMBDA_PORT', ['0', '65536', '80.5', '-1', '1e3', ' 80', '0x50', 'http']],
    ['ARCTUN_LAMBDA_WAIT', ['0', '0.05', '9.1', '-1', '3s', 'NaN', 'Infinity']],
    ['ARCTUN_LAMBDA_ON_FAILURE', ['Fail', 'ignore']],
    ['ARCTUN_FORWARD_TO', ['http://10.0.0.1', '10.0.0.1:0', '10.0.0.1:65536']],
    ['ARCTUN_ALLOW_HOST', ['arctun:8080', '*']],
    ['ARCTUN_ALLOW_ORIGIN', ['app.example', 'null']],
    ['ARCTUN_LOG_LEVEL', ['verbose', 'INFO']],
    ['ARCTUN_CONGESTION', ['vegas']],
  ])('%s', (name, values) => {
    for (const value of values) {
      const { settings, fault } = readSettings({ [name]: value });
      expect(settings).toEqual(readSettings({}).settings);
      expect(fault).toMatchObject({ kind: 'usage' });
      expect(fault?.message).toContain(name);
      expect(fault?.message).toContain(value);
    }
  });

  it.each([
    'ARCTUN_LAMBDA_PORT',
    'ARCTUN_LAMBDA_WAIT',
    'ARCTUN_LAMBDA_ON_FAILURE',
    'ARCTUN_FORWARD_TO',
    'ARCTUN_ALLOW_HOST',
    'ARCTUN_ALLOW_ORIGIN',
    'ARCTUN_LOG_LEVEL',
    'ARCTUN_CONGESTION',
  ])('is not shown if it is a key or the configuration, in any form: %s', (name) => {
    const key = Buffer.alloc(32, 8).toString('base64');
    const json = JSON.stringify({ simId: 'x'.repeat(80), privateKey: key }, undefined, 2);
    const base64 = Buffer.from(json).toString('base64');
    for (const value of [json, base64, base64.slice(0, -3), key, `'${key.slice(0, 30)}`]) {
      const fault = faultOf({ [name]: value });
      expect(fault?.what).toBe(`cannot use ${name} (text of ${value.length} characters)`);
      expect(JSON.stringify([fault, fault?.message])).not.toContain(value.slice(1, 21));
    }
  });

  it('is reported if it is the first one, and does not affect valid ones', () => {
    const env = { ARCTUN_LAMBDA_PORT: 'a', ARCTUN_LAMBDA_WAIT: 'b', ARCTUN_LOG_LEVEL: 'trace' };
    expect(faultOf(env)?.what).toBe('cannot use ARCTUN_LAMBDA_PORT=a');
    expect(settingsOf(env)).toMatchObject({ port: 8080, wait: 3000, logLevel: 'trace' });
  });

  it.each([
    ['ARCTUN_LAMBDA_PORT', ['1', '65535']],
    ['ARCTUN_LAMBDA_WAIT', ['0.1', '9', '9.0']],
  ])('is not at the ends of its range: %s', (name, values) => {
    for (const value of values) expect(faultOf({ [name]: value })).toBeUndefined();
  });
});
