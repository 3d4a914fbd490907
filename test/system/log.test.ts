/** The log writes to descriptor 2: a child process shows what arrives there. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { LOG_LEVELS } from '../../src/ports/log.js';
import { Processes } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { until } from '../support/until.js';

const MODULE = fileURLToPath(new URL('../../dist/src/system/log.js', import.meta.url));

const processes = new Processes();
afterAll(() => processes.close());

it('does not write escape sequences from a name or a command’s output', async () => {
  const program = `
    const { createLog } = await import(${JSON.stringify(MODULE)});
    const log = createLog('info', 'text');
    log.info({ host: 'a\\u001b]0;x\\u0007', other: 'a \\u009b2J', n: 1 }, 'one\\u001b[2Jtwo\\nthree\\tfour');
  `;
  const command = [process.execPath, '--input-type=module', '-e', program];
  const { stderr } = await processes.run(command);
  expect(stderr.replace(/^\S+ /, '')).toBe(
    'INFO  one\ufffd[2Jtwo\nthree\tfour host=a\ufffd]0;x\ufffd other="a \ufffd2J" n=1\n',
  );
}, 60_000);

it('writes fields of each type, and omits those without a value', async () => {
  const program = `
    const { createLog } = await import(${JSON.stringify(MODULE)});
    const log = createLog('info', 'text');
    const fields = { a: 'b=c', d: '', e: 1.5, f: 2n, g: true, h: null, i: [1, 'x'], j: { k: 1n } };
    const o = {};
    o.o = o;
    log.info({ ...fields, o, l: undefined, m: () => 1, n: 'あ' }, 'message');
    log.warn({}, 'two words');
    log.debug({}, 'unseen');
    log.trace({}, 'unseen');
    log.error({}, 'last');
  `;
  const before = new Date().toISOString();
  const { stderr } = await processes.run([process.execPath, '--input-type=module', '-e', program]);
  const lines = stderr.split('\n').map((line) => line.split(/ (.*)/));
  expect(lines.map(([, text]) => text)).toEqual([
    'INFO  message a="b=c" d="" e=1.5 f=2 g=true h=null i=[1,"x"] j={"k":"1"} o="not JSON" n=あ',
    'WARN  two words',
    'ERROR last',
    undefined,
  ]);
  const times = lines.slice(0, 3).map(([time]) => time!);
  expect([...times, before].sort()).toEqual([before, ...times]);
  expect(times[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
}, 60_000);

it.each(LOG_LEVELS)(
  'with the level %s contains this level and higher ones',
  async (level) => {
    const program = `
    const { createLog } = await import(${JSON.stringify(MODULE)});
    const log = createLog(${JSON.stringify(level)}, 'text');
    for (const name of ['error', 'warn', 'info', 'debug', 'trace']) log[name]({}, name);
  `;
    const { stderr } = await processes.run([
      process.execPath,
      '--input-type=module',
      '-e',
      program,
    ]);
    const expected = LOG_LEVELS.slice(1, LOG_LEVELS.indexOf(level) + 1);
    const lines = expected.map((name) => `${name.toUpperCase().padEnd(5)} ${name}\n`);
    expect(stderr.replace(/^\S+ /gm, '')).toBe(lines.join(''));
  },
  60_000,
);

describe('a file system without free space', () => {
  /** Writes lines while the file system is full, and two more when it has space again. */
  const logged = async (format: string, linesWhileFull: number) => {
    const program = `
      import fs from 'node:fs';
      const { createLog } = await import(${JSON.stringify(MODULE)});
      const log = createLog('info', ${JSON.stringify(format)});
      const { writeSync } = fs;
      fs.writeSync = () => {
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      };
      for (let line = 0; line < ${linesWhileFull}; line++) log.info({}, 'full ' + line);
      fs.writeSync = writeSync;
      log.info({}, 'free');
      log.info({}, 'last');`;
    const command = [process.execPath, '--input-type=module', '-e', program];
    const { code, stderr } = await processes.run(command);
    return { code, messages: stderr.match(/full \d+|free|last/g) };
  };

  it.each(['text', 'json'])(
    'delays the lines: %s',
    async (format) => {
      const messages = ['full 0', 'full 1', 'free', 'last'];
      expect(await logged(format, 2)).toEqual({ code: 0, messages });
    },
    60_000,
  );

  it('loses lines, but not the later ones, if too many are waiting', async () => {
    const { code, messages } = await logged('text', 40_000);
    expect(code).toBe(0);
    expect(messages?.slice(0, 2)).toEqual(['full 0', 'full 1']);
    expect(messages!.length).toBeLessThan(39_000);
    expect(messages?.slice(-2)).toEqual(['free', 'last']);
  }, 60_000);
});

describeWith(['script'], 'a closed terminal', () => {
  it.each(['text', 'json'])(
    'makes the log stop writing, without an exception: %s',
    async (format) => {
      const folder = mkdtempSync(join(tmpdir(), 'arctun-log-'));
      const program = join(folder, 'program.mjs');
      const outcome = join(folder, 'outcome');
      writeFileSync(
        program,
        `
      import fs from 'node:fs';
      const { createLog } = await import(${JSON.stringify(MODULE)});
      const log = createLog('info', ${JSON.stringify(format)});
      const result = () => {
        const { writeSync } = fs;
        let writes = 0;
        fs.writeSync = (...parameters) => {
          writes++;
          return writeSync(...parameters);
        };
        try {
          log.info({}, 'one');
          log.info({}, 'two');
          return 'writes: ' + writes;
        } catch (error) {
          return error.code;
        }
      };
      process.on('SIGHUP', () => {
        fs.writeFileSync('unfinished', result());
        fs.renameSync('unfinished', 'outcome');
        process.exit();
      });
      setInterval(() => undefined, 1_000);
      log.info({}, 'ready');`,
      );
      const command = `'${process.execPath}' '${program}'`;
      const run = processes.start(['script', '-qefc', command, '/dev/null'], {
        cwd: folder,
        interactive: true,
      });
      await run.output(/ready/);
      run.kill('SIGKILL');
      await until(() => existsSync(outcome));
      expect(readFileSync(outcome, 'utf8')).toBe('writes: 1');
      rmSync(folder, { recursive: true });
    },
    60_000,
  );
});
