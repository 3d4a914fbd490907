import { configForwards, forwardFaults } from '../../../src/app/config/config-forwards.js';
import { readArcConfigText } from '../../../src/arc-config/parse-arc-config.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';

const SOURCE = 'arc.json';
const USERSPACE = { mode: 'auto', 'allow-open': false };

function read(forwards: object) {
  return readArcConfigText(JSON.stringify({ forwards }, null, 1), { path: SOURCE });
}

it('names the line, the place and the reason of each fault', () => {
  const { config, lineOf } = read({ local: ['1:a:2', '80'], remote: ['1:2:3:4'] });
  expect(forwardFaults(config, lineOf)).toEqual([
    {
      line: 5,
      keyPath: 'forwards.local[1]',
      found: '"80"',
      expected:
        '[BIND:]PORT:HOST:HOSTPORT[/udp] or /PATH:HOST:HOSTPORT; the forward must have a local port, a target host and a target port',
    },
    {
      line: 8,
      keyPath: 'forwards.remote[0]',
      found: '"1:2:3:4"',
      expected:
        'PORT:HOST:HOSTPORT[/udp], PORT:HOSTPORT[/udp] or PORT:/PATH; a remote forward always listens on the address of the virtual SIM',
    },
  ]);
});

it('reports members of another type, and accepts a missing list', () => {
  expect(read({ local: '1:a:2' }).faults).toMatchObject([
    { keyPath: 'forwards.local', expected: 'an array' },
  ]);
  expect(read({ remote: [1] }).faults).toMatchObject([{ keyPath: 'forwards.remote[0]' }]);
  expect(read([]).faults).toMatchObject([{ keyPath: 'forwards', expected: 'an object' }]);
  const { config, faults, notices } = read({ Local: ['1:a:2'], later: 1 });
  expect(faults).toEqual([]);
  expect(config.forwards).toMatchObject({ local: ['1:a:2'], remote: [] });
  expect(notices).toMatchObject([
    { kind: 'note', text: expect.stringContaining('"later"') as string },
  ]);
});

it('returns the forwards, and checks who could use them', () => {
  const log = new RecordingLog();
  const { config } = read({ local: ['0.0.0.0:1:a:2'], remote: ['22:22'] });
  const arcConfig = { config, source: SOURCE };
  expect(() => configForwards(arcConfig, USERSPACE, log)).toThrow(
    'cannot listen on 0.0.0.0 (forwards in arc.json)',
  );
  const allowed = configForwards(arcConfig, { mode: 'userspace', 'allow-open': true }, log);
  expect(allowed.map(({ kind }) => kind)).toEqual(['local', 'remote']);
  expect(log.lines).toEqual([]);
});

it.each(['tun', 'kernel'])('warns that mode %s ignores the forwards', (mode) => {
  const log = new RecordingLog();
  const { config } = read({ local: ['0.0.0.0:1:a:2'] });
  const arcConfig = { config, source: SOURCE };
  expect(configForwards(arcConfig, { mode, 'allow-open': false }, log)).toEqual([]);
  expect(log.messages('warn')).toEqual([`--mode ${mode} ignores the port forwards in arc.json`]);
  expect(configForwards({ ...arcConfig, config: read({}).config }, USERSPACE, log)).toEqual([]);
  expect(log.lines).toHaveLength(1);
});
