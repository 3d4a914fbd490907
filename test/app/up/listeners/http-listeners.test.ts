import { createServer } from 'node:net';

import { HttpListeners } from '../../../../src/app/up/listeners/http-listeners.js';
import { listen } from '../../../proxy/support/scripted-server.js';
import { RecordingLog } from '../../../support/fakes/recording-log.js';

const dialer = { dial: () => Promise.reject(new Error('never')) };

it('continues with a warning if another program uses the default port, and fails if the port was requested', async () => {
  const other = createServer();
  const port = await listen(other);
  const log = new RecordingLog();
  const upstream = {
    ...{ forwarder: () => ({ dialer }), proxy: () => ({ dialer }) },
    allowedIps: () => Promise.resolve([]),
  };
  const forward = {
    listen: { host: '127.0.0.1', port: 0 },
    target: { host: '100.127.69.42', port: 80 },
    headers: [],
  };
  const open = async (isAskedFor: boolean) => {
    const listeners = new HttpListeners(upstream, log);
    const proxy = { listen: { host: '127.0.0.1', port }, isAskedFor };
    try {
      await listeners.open({ forward, furtherForwards: [forward], proxy });
      return { ...listeners.addresses(), counters: Object.keys(listeners.counters()) };
    } finally {
      await listeners.close(0);
    }
  };
  const local = (start: string) => expect.stringContaining(`${start}127.0.0.1:`) as string;
  expect(await open(false)).toEqual({
    forward: local('http://'),
    furtherForwarders: [{ url: local('http://'), target: '100.127.69.42:80' }],
    proxy: undefined,
    counters: ['forward', local('forward ')],
  });
  expect(log.messages('warn')).toEqual([
    `cannot listen on 127.0.0.1:${port} (--proxy-listen): continuing without a proxy; ` +
      'to change this, set --proxy-listen to another port or to off',
  ]);
  await expect(open(true)).rejects.toMatchObject({
    kind: 'failed',
    what: `cannot listen on 127.0.0.1:${port} (--proxy-listen)`,
  });
  await new Promise((resolve) => other.close(resolve));
});
