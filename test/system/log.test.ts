/** The log writes to descriptor 2: a child process shows what arrives there. */
import { fileURLToPath } from 'node:url';

import { Processes } from '../support/processes.js';

const processes = new Processes();
afterAll(() => processes.close());

it('does not write escape sequences from a name or a command’s output', async () => {
  const module = fileURLToPath(new URL('../../dist/src/system/log.js', import.meta.url));
  const program = `
    const { createLog } = await import(${JSON.stringify(module)});
    const log = createLog('info', 'text');
    log.info({ host: 'a\\u001b]0;x\\u0007', other: 'a \\u009b2J', n: 1 }, 'one\\u001b[2Jtwo\\nthree\\tfour');
  `;
  const command = [process.execPath, '--input-type=module', '-e', program];
  const { stderr } = await processes.run(command);
  expect(stderr.replace(/^\S+ /, '')).toBe(
    'INFO  one\ufffd[2Jtwo\nthree\tfour host=a\ufffd]0;x\ufffd other="a \ufffd2J" n=1\n',
  );
}, 60_000);
