import { requireOtherPorts, withPortHolder } from '../../../src/app/up/port-taken.js';
import { UserError } from '../../../src/lib/errors/user-error.js';

const NEXT = ['Choose another port.'];

function taken(members: object): UserError {
  const cause = Object.assign(new Error('listen'), { code: 'EADDRINUSE', ...members });
  const text = {
    what: 'cannot listen on 127.0.0.1:8888',
    why: 'another program',
    next: NEXT,
    cause: new Error('outer', { cause }),
  };
  return new UserError('failed', text);
}

it.each([
  [{ port: 8888, syscall: 'listen' }, 'tcp'],
  [{ port: 8888, syscall: 'bind' }, 'udp'],
])('names the process that listens on the port: %j', async (members, protocol) => {
  const asked: unknown[] = [];
  const named = await withPortHolder(taken(members), (...parameters) => {
    asked.push(parameters);
    return Promise.resolve('arctun up (pid 4711)');
  });
  expect(asked).toEqual([[protocol, 8888]]);
  expect(named).toMatchObject({
    kind: 'failed',
    message:
      'cannot listen on 127.0.0.1:8888: arctun up (pid 4711) is already listening on this port',
    next: NEXT,
  });
});

it.each([
  ['127.0.0.1:8888', '127.0.0.1:8888', true],
  ['0.0.0.0:8888', '127.0.0.1:8888', true],
  ['127.0.0.1:8888', '[::]:8888', true],
  ['127.0.0.1:8888', '127.0.0.2:8888', false],
  ['127.0.0.1:8888', '127.0.0.1:1080', false],
  ['127.0.0.1:0', '127.0.0.1:0', false],
])('reports whether %s and %s of one command are the same port: %s', (first, second, isSame) => {
  const listen = (text: string) => {
    const [, host = '', port] = /^\[?([^\]]*?)\]?:(\d+)$/.exec(text)!;
    return { host, port: Number(port) };
  };
  const check = () =>
    requireOtherPorts([
      { flag: '--forward-listen', listen: listen(first) },
      { flag: '--status-listen', listen: undefined },
      { flag: '--proxy-listen', listen: listen(second) },
    ]);
  if (!isSame) check();
  else
    expect(check).toThrow('cannot listen twice on port 8888: --forward-listen and --proxy-listen');
});
