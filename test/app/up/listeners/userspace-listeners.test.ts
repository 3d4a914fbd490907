import { createServer } from 'node:net';

import { openProxy } from '../../../../src/app/up/listeners/userspace-listeners.js';
import { listen } from '../../../proxy/support/scripted-server.js';
import { RecordingLog } from '../../../support/fakes/recording-log.js';

const dialer = { dial: () => Promise.reject(new Error('never')) };

it('continues with a warning if another program uses the default port, and fails if the port was requested', async () => {
  const other = createServer();
  const port = await listen(other);
  const log = new RecordingLog();
  const address = { host: '127.0.0.1', port };
  const settings = { listen: address, isAskedFor: false };
  expect(await openProxy(settings, { dialer }, log)).toBeUndefined();
  expect(log.messages('warn')).toEqual([
    `cannot listen on 127.0.0.1:${port} (--proxy-listen): continuing without a proxy; ` +
      'to change this, set --proxy-listen to another port or to off',
  ]);
  await expect(openProxy({ ...settings, isAskedFor: true }, { dialer }, log)).rejects.toMatchObject(
    {
      kind: 'failed',
      what: `cannot listen on 127.0.0.1:${port} (--proxy-listen)`,
    },
  );
  await new Promise((resolve) => other.close(resolve));
});
